"""Adds to each finding the fix that was verified, or the suggestion that was not."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.fixes.document import Document
from kimera_leakguard_native.analysis.fixes.registry import kinds
from kimera_leakguard_native.analysis.fixes.splice import edits
from kimera_leakguard_native.analysis.fixes.spot import locate
from kimera_leakguard_native.analysis.fixes.verification import Verifier
from kimera_leakguard_native.analysis.rules.registry import rules
from kimera_leakguard_native.errors import AnalysisError
from kimera_leakguard_native.model.finding import Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.fixes.proposal import Proposal
    from kimera_leakguard_native.analysis.fixes.spot import Spot
    from kimera_leakguard_native.analysis.frontend import Source
    from kimera_leakguard_native.analysis.module_check import Wanted
    from kimera_leakguard_native.analysis.project import Project
    from kimera_leakguard_native.model.finding import Finding

MAX_ATTEMPTS = 10
"""Proposals for one finding that are verified; each costs an analysis of the file."""

MAX_WORK = 30_000
"""Of one file: verified proposals times the findings in each function squared, since following
one of them costs what there is to follow in its function. Beyond it a suggestion is in words."""


def offered(
    findings: list[Finding],
    source: Source,
    project: Project,
    wanted: Wanted,
    exhausted: int = 0,
) -> list[Finding]:
    """Give the findings of one file with their fixes.

    Parameters
    ----------
    exhausted : int
        Budgets that the analysis of the file has exhausted: what has cost that much will again.
    project : Project
        The files of the run, in an object that nobody else uses: changed modules go into it.
    """
    if not any(kinds(finding.code) for finding in findings):
        return [replace(one, fixes=(Fix(rules()[one.code].help),)) for one in findings]
    try:
        document = Document(source.data)
        verifier = Verifier(project, source.path, document, wanted)
    except (AnalysisError, RecursionError):
        return findings
    work = _work(verifier.original.tree, findings) + exhausted**2
    turns = iter(range(MAX_WORK // work))
    return [replace(one, fixes=(_fix(one, document, verifier, turns),)) for one in findings]


def _fix(finding: Finding, document: Document, verifier: Verifier, turns: Iterator[int]) -> Fix:
    spot = locate(document, verifier.original.tree, finding, verifier.original.callee)
    title = rules()[finding.code].help
    if spot is None:
        return Fix(title)
    for attempt, proposal in enumerate(_proposals(spot)):
        if attempt == MAX_ATTEMPTS or next(turns, None) is None:
            break
        if verifier.accepts(proposal, finding):
            return Fix(proposal.title, True, edits(document, finding.file, proposal.splices))
    return Fix(title)


def _work(tree: ast.Module, findings: list[Finding]) -> int:
    spans = [
        (node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    inside = Counter(
        max((span for span in spans if span[0] <= one.line <= span[1]), default=None)
        for one in findings
    )
    return sum(count * count for count in inside.values())


def _proposals(spot: Spot) -> Iterator[Proposal]:
    for kind in kinds(spot.finding.code):
        yield from kind(spot)
