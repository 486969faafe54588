from __future__ import annotations

import json
import re

import pytest

from kimera_leakguard_native.errors import ConfigError
from kimera_leakguard_native.reporters.page import assets, page

HOSTILE = '</script><script>alert(1)</script><!-- <img src=x onerror="alert(2)">.py'


def test_the_live_page_has_no_inline_script_or_style() -> None:
    text = page.live()
    assert re.findall(r"<script>", text) == []
    assert re.findall(r"<style|style=|onclick=", text) == []
    assert text.count("<script src=") == 4


def test_our_parts_name_no_other_host() -> None:
    for name in assets.OWN:
        assert re.findall(r"https?://", assets.own(name)) == [], name


def test_our_scripts_put_in_text_only() -> None:
    for name in assets.OWN:
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(",
                             assets.own(name)), name  # fmt: skip


def test_a_recorded_page_keeps_its_state_whatever_is_in_it() -> None:
    state = {"processes": [{"name": HOSTILE, "pid": 1}]}
    text = page.recorded(state)
    found = re.search(r'<script type="application/json" id="state">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    assert json.loads(found.group(1)) == state
    assert "alert(1)</script>" not in text


def test_without_plotly_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"\[dashboard\]"):
        assets.plotly_path()
