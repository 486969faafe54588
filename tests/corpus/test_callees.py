"""What a caller must know of its callees, in pairs: one function leaks, its twin does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kimera_leakguard_native.analysis import engine

HERE = Path(__file__).parent / "callees"
HEADER = """\
import sys
from . import library, renamed_config
from .library import *
from .library import open_config as reopened
from .library import CLIENT, Client, First, Owner
"""

_PAIR = re.compile(r"^def (\w+)\(([^)]*)\):\n((?:    .*\n)+)", re.MULTILINE)


def _cases() -> list[tuple[str, str, str, str]]:
    """Give name, parameters, leaking body and clean body."""
    text = (HERE / "pairs.txt").read_text(encoding="utf-8")
    return [(name, given, *body.split("    ---\n")) for name, given, body in _PAIR.findall(text)]


CASES = _cases()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Give the messages of the findings by the function that they are in."""
    folder = tmp_path_factory.mktemp("callees") / "pack"
    folder.mkdir()
    text = (HERE / "library.txt").read_text(encoding="utf-8")
    (folder / "library.py").write_text(text, encoding="utf-8")
    (folder / "__init__.py").write_text(
        "from .library import open_config as renamed_config\n", encoding="utf-8"
    )
    star = "from .library import *\n"
    names = [line[4 : line.index("(")] for line in text.splitlines() if line.startswith("def ")]
    source = HEADER.replace(star, f"from .library import {', '.join(names)}\n")
    owners: list[str] = [""] * source.count("\n")
    for name, parameters, leaky, clean in CASES:
        for kind, body in (("leaky", leaky), ("clean", clean)):
            part = f"\n\ndef {kind}_{name}({parameters}):\n{body}"
            source += part
            owners.extend([f"{kind}_{name}"] * part.count("\n"))
    (folder / "calls.py").write_text(source, encoding="utf-8")
    result = engine.check([str(folder)], engine.Options())
    assert result.errors == []
    by_function: dict[str, list[str]] = {}
    for finding in result.findings:
        if finding.file.endswith("calls.py"):
            by_function.setdefault(owners[finding.line - 1], []).append(finding.message)
    return by_function


@pytest.mark.parametrize("name", [case[0] for case in CASES])
def test_the_leaky_one_is_reported_and_its_twin_is_not(
    found: dict[str, list[str]], name: str
) -> None:
    assert len(found.get(f"leaky_{name}", [])) == 1
    assert found.get(f"clean_{name}", []) == []


def test_the_message_names_the_function_and_what_it_returns(found: dict[str, list[str]]) -> None:
    assert found["leaky_chain"] == ["file returned by wrapped_twice() is never closed"]
    assert found["leaky_method_of_unknown"] == [
        "socket returned by peer.dial_peer() is never closed"
    ]
