"""Write docs/rules from the rules' docstrings and the corpus pages; `--check` only compares.

A page is what `klg rule CODE` prints, and below it the leaky and the clean code of
tests/corpus/CODE.md, whose expected findings are tests.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kimera_leakguard_native.analysis.rules.registry import Rule, rules

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "rules"
CORPUS = ROOT / "tests" / "corpus"


def pages() -> dict[str, str]:
    """Give the text of each page by the name of its file."""
    texts = {f"{rule.code}.md": _page(rule) for rule in rules().values()}
    rows = "".join(
        f"| [{rule.code}]({rule.code}.md) | {rule.name} | {rule.summary} |\n"
        for rule in rules().values()
    )
    texts["README.md"] = (
        "# Rules of `klg check`\n\n"
        "Written by `python tests/packaging/rule_pages.py` from the rules and the corpus.\n\n"
        f"| code | name | what it reports |\n|---|---|---|\n{rows}"
    )
    return texts


def _page(rule: Rule) -> str:
    text = f"# {rule.code}: {rule.name}\n\n{rule.page.strip()}\n\n## What to do\n{rule.help}\n"
    corpus = CORPUS / f"{rule.code}.md"
    if corpus.is_file():
        _, _, body = corpus.read_text(encoding="utf-8").partition("\n")
        deeper = _deeper(body.strip())
        text += (
            "\n## Checked examples\n"
            f"From `tests/corpus/{rule.code}.md`: `# expect:` names the finding of its line, and a"
            f" block without one has none.\n\n{deeper}\n"
        )
    return text


def _deeper(text: str) -> str:
    """Put the headings one level down, leaving comments in code alone."""
    lines, in_code = [], False
    for line in text.splitlines():
        in_code ^= line.startswith("```")
        lines.append(f"#{line}" if line.startswith("#") and not in_code else line)
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    stale = []
    wanted = pages()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in wanted.items():
        path = FOLDER / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(text, encoding="utf-8")
    for path in FOLDER.glob("*.md"):
        if path.name not in wanted:
            stale.append(path.name)
            if "--check" not in arguments:
                path.unlink()
    if stale and "--check" in arguments:
        print(f"docs/rules: {', '.join(sorted(stale))} stale; run tests/packaging/rule_pages.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
