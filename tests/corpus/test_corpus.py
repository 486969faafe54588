"""Each snippet of the pages beside this file has exactly the findings that its comments expect.

A comment `# expect: KLG101 N` stands on the line of the acquisition. A block that starts with
`# options: all` is checked with every tier, evidence or not; `# options: no-symbolic` without the
solver.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kimera_leakguard_native.analysis import engine
from kimera_leakguard_native.model.finding import TIERS

_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXPECTED = re.compile(r"#\s*expect:\s*((?:KLG\d{3} [NEXDM](?:,\s*)?)+)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_FOLDER = Path(__file__).parent
_PAGES = sorted(_FOLDER.glob("KLG*.md")) + sorted((_FOLDER / "constructs").glob("*.md"))


def _blocks() -> list[object]:
    found = []
    for page in _PAGES:
        text = page.read_text(encoding="utf-8")
        for number, match in enumerate(_BLOCK.finditer(text)):
            headings = _HEADING.findall(text, 0, match.start())
            name = re.sub(r"\W+", "-", headings[-1] if headings else "")[:50]
            found.append(pytest.param(match.group(1), id=f"{page.stem}-{number}-{name}"))
    return found


def _expected(source: str) -> list[tuple[int, str]]:
    return sorted(
        (line, item.strip())
        for line, text in enumerate(source.splitlines(), 1)
        for match in _EXPECTED.finditer(text)
        for item in match.group(1).split(",")
    )


@pytest.mark.parametrize("source", _blocks())
def test_findings_are_the_expected_ones(source: str, tmp_path: Path) -> None:
    path = tmp_path / "snippet.py"
    path.write_text(source, encoding="utf-8")
    first = source.partition("\n")[0]
    options = engine.Options(
        tiers=TIERS if first.startswith("# options: all") else (),
        symbolic="no-symbolic" not in first,
    )
    result = engine.check([str(path)], options)
    assert result.errors == []
    found = sorted((item.line, f"{item.code} {item.tier}") for item in result.findings)
    assert found == _expected(source)


def test_every_page_has_leaky_and_clean_code() -> None:
    assert _PAGES
    for page in _PAGES:
        blocks = [match.group(1) for match in _BLOCK.finditer(page.read_text(encoding="utf-8"))]
        assert any(_expected(block) for block in blocks), page
        assert any(not _expected(block) for block in blocks), page
