"""Reads the Markdown pages of twin pairs and of shapes; README.md describes the format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
BLOCK = re.compile(r"^```python ?(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LEAK = re.compile(r"^Leak: line (\d+)(?:, tier ([NEXDM](?:/[NEXDM])*))?$", re.MULTILINE)


@dataclass(frozen=True)
class Pair:
    """Two programs that differ in one token; only the leaky one can leave `line` unreleased."""

    name: str
    leaky: str
    clean: str
    line: int
    inputs: str
    call: str


@dataclass(frozen=True)
class Shape:
    """One program; `line` is None and `tiers` is empty where the analyzer must be silent."""

    name: str
    source: str
    line: int | None
    tiers: frozenset[str]


def pairs() -> list[Pair]:
    return [_pair(name, text) for name, text in _sections(FOLDER / "pairs")]


def shapes() -> list[Shape]:
    return [_shape(name, text) for name, text in _sections(FOLDER / "shapes")]


def _sections(folder: Path) -> list[tuple[str, str]]:
    found = []
    for page in sorted(folder.glob("*.md")):
        for section in re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            title, _, text = section.partition("\n")
            found.append((f"{page.stem}/{title.strip()}", text))
    return found


def _pair(name: str, text: str) -> Pair:
    blocks = dict(BLOCK.findall(text))
    if set(blocks) != {"leaky", "clean"}:
        msg = f"{name}: wants one block leaky and one block clean, has {sorted(blocks)}"
        raise ValueError(msg)
    line, _tier = _leak(name, text)
    return Pair(
        name, blocks["leaky"], blocks["clean"], line, _field(text, "Inputs"), _field(text, "Call")
    )


def _shape(name: str, text: str) -> Shape:
    blocks = BLOCK.findall(text)
    if len(blocks) != 1:
        msg = f"{name}: wants one block, has {len(blocks)}"
        raise ValueError(msg)
    source = blocks[0][1]
    if re.search(r"^Silent$", text, re.MULTILINE):
        return Shape(name, source, None, frozenset())
    line, tier = _leak(name, text)
    if tier is None:
        msg = f"{name}: a leaky shape names its tier"
        raise ValueError(msg)
    return Shape(name, source, line, frozenset(tier.split("/")))


def _leak(name: str, text: str) -> tuple[int, str | None]:
    match = LEAK.search(text)
    if match is None:
        msg = f"{name}: has neither 'Leak: line N' nor 'Silent'"
        raise ValueError(msg)
    return int(match[1]), match[2]


def _field(text: str, label: str) -> str:
    match = re.search(rf"^{label}: `(.*)`$", text, re.MULTILINE)
    return match[1] if match else ""
