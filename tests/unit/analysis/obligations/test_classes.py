"""Each class of the page beside this file has exactly the findings that its comments expect."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kimera_leakguard_native.analysis import engine
from kimera_leakguard_native.model.finding import TIERS

_PAGE = Path(__file__).with_name("classes.md").read_text(encoding="utf-8")
_SECTION = re.compile(r"^## (.*?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXPECTED = re.compile(r"#\s*expect:\s*(KLG\d{3} [NEX])")


def _blocks() -> list[object]:
    return [
        pytest.param(block, id=re.sub(r"\W+", "-", f"{title}-{number}"))
        for title, body in _SECTION.findall(_PAGE)
        for number, block in enumerate(_BLOCK.findall(body))
    ]


@pytest.mark.parametrize("source", _blocks())
def test_findings_are_the_expected_ones(source: str, tmp_path: Path) -> None:
    path = tmp_path / "snippet.py"
    path.write_text(source, encoding="utf-8")
    everything = source.startswith("# options: all")
    result = engine.check([str(path)], engine.Options(tiers=TIERS if everything else ()))
    assert result.errors == []
    expected = [
        (line, found.group(1))
        for line, text in enumerate(source.splitlines(), 1)
        if (found := _EXPECTED.search(text))
    ]
    assert [(item.line, f"{item.code} {item.tier}") for item in result.findings] == expected
