"""Comments that silence findings, and findings about the comments that silence nothing.

``# klg: ignore[KLG101]`` at a line of the statement silences these codes there, ``# klg: ignore``
every code; ``# klg: file-ignore[...]`` on a line of its own holds for the file. A reason may follow
after a dash. ``# noqa: KLG101`` is understood as well, but never reported as unused.
"""

from __future__ import annotations

import io
import re
import tokenize
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.rules.klg901_unused_suppression import CODE, NAME
from kimera_leakguard_native.model.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

_OURS = re.compile(
    r"#\s*klg:\s*(?P<scope>file-)?ignore(?:\[(?P<codes>[A-Za-z0-9,\s]*)\])?(?=\s|$|#)",
    re.IGNORECASE,
)
_NOQA = re.compile(r"#\s*noqa:\s*(?P<codes>[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*)", re.IGNORECASE)


@dataclass(slots=True)
class Suppression:
    """One comment.

    Attributes
    ----------
    line, column : int
        Where it starts, 1-based.
    codes : frozenset of str
        What it names; empty means every code.
    whole_file : bool
        Whether it holds for the file and not for its line.
    foreign : bool
        Whether it is a ``noqa``.
    used : set of str
        Codes that it has silenced.
    """

    line: int
    column: int
    codes: frozenset[str]
    whole_file: bool = False
    foreign: bool = False
    used: set[str] = field(default_factory=set)

    def covers(self, finding: Finding) -> bool:
        """Whether it silences a finding: its code, at one of the statement's lines."""
        if self.codes and finding.code not in self.codes:
            return False
        return self.whole_file or finding.line <= self.line <= finding.end_line


def read(source: bytes) -> list[Suppression]:
    """Find the suppressions in the bytes of a file.

    Comments in strings are not comments. A file whose tokens cannot be read to the end gives what
    was read until then: it is the parser's to complain.
    """
    if re.search(rb"klg:|noqa", source, re.IGNORECASE) is None:
        return []
    found: list[Suppression] = []
    try:
        for token in tokenize.tokenize(io.BytesIO(source).readline):
            if token.type == tokenize.COMMENT:
                found.extend(_in_comment(token))
    except (tokenize.TokenError, SyntaxError):
        pass
    return found


def _in_comment(token: tokenize.TokenInfo) -> Iterable[Suppression]:
    for pattern in (_OURS, _NOQA):
        hit = pattern.search(token.string)
        if hit is None:
            continue
        codes = frozenset(re.findall(r"[A-Z]+[0-9]+", (hit["codes"] or "").upper()))
        foreign = pattern is _NOQA
        if foreign:
            codes = frozenset(code for code in codes if code.startswith("KLG"))
            if not codes:
                continue
        whole_file = not foreign and hit["scope"] is not None
        line, column = token.start
        yield Suppression(line, column + hit.start() + 1, codes, whole_file, foreign)


def apply(
    findings: Iterable[Finding], suppressions: list[Suppression], file: str
) -> tuple[list[Finding], list[Finding]]:
    """Silence the findings of one file.

    Parameters
    ----------
    findings : iterable of Finding
        All of the file, of every tier: a comment for a finding that is not shown is not unused.

    Returns
    -------
    kept, unused : list of Finding
        What is not silenced, and a finding for every comment of ours that silences nothing, or
        names codes that it does not silence.
    """
    kept: list[Finding] = []
    for finding in findings:
        covering = [one for one in suppressions if one.covers(finding)]
        for one in covering:
            one.used.add(finding.code)
        if not covering:
            kept.append(finding)
    return kept, [
        _unused(one, file)
        for one in suppressions
        if not one.foreign and (not one.used or one.codes - one.used)
    ]


def _unused(one: Suppression, file: str) -> Finding:
    idle = ", ".join(sorted(one.codes - one.used)) or "anything"
    return Finding(
        code=CODE,
        rule=NAME,
        message=f"the comment does not silence {idle}: remove it",
        file=file,
        line=one.line,
        end_line=one.line,
        column=one.column,
        tier="N",
        confidence=1.0,
        detection_result="no_leak",
        resource="suppression",
    )
