"""Whether a change really ends a leak and does nothing else, as far as analysis can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.fixes.examination import Examination
from kimera_leakguard_native.analysis.fixes.splice import applied
from kimera_leakguard_native.errors import AnalysisError
from kimera_leakguard_native.model.finding import TIERS

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.fixes.document import Document
    from kimera_leakguard_native.analysis.fixes.proposal import Proposal
    from kimera_leakguard_native.analysis.fixes.splice import Splice
    from kimera_leakguard_native.analysis.module_check import Wanted
    from kimera_leakguard_native.analysis.project import Project
    from kimera_leakguard_native.model.finding import Finding


_EVIDENT = 0.7
"""Findings of tier X with evidence are at least as sure as that."""


class Verifier:
    """Compares changed versions of a file with the original.

    Parameters
    ----------
    project : Project
        One of its own: changed versions of the module are put into it.
    wanted : Options or the like
        What the run reports: of the finding that is to go, nothing reported may be left.
    """

    def __init__(self, project: Project, path: str, document: Document, wanted: Wanted) -> None:
        self._project = project
        self._path = path
        self._document = document
        self._wanted = wanted
        self.original = Examination(
            project, path, document.encode(document.text), symbolic=wanted.symbolic
        )
        self._tally = self.original.tally()

    def accepts(self, proposal: Proposal, finding: Finding) -> bool:
        """Whether a proposal ends one finding, adds none, and misuses nothing."""
        try:
            text = applied(self._document.text, proposal.splices)
            changed = self._examined(text)
            return (
                changed is not None
                and not self._misused(changed, finding, proposal.splices)
                and self._gone(changed, finding)
                and self._unharmed(changed)
            )
        except (AnalysisError, RecursionError, ValueError):
            return False

    def _examined(self, text: str) -> Examination | None:
        data = self._document.encode(text)
        if data == self.original.data:
            return None
        return Examination(self._project, self._path, data, symbolic=self._wanted.symbolic)

    def _gone(self, changed: Examination, finding: Finding) -> bool:
        """Whether one finding less is left where it was, and nowhere one more or a worse one."""
        target = self.original.key(finding)
        after = changed.tally()
        for key in after.keys() | self._tally.keys():
            old, new = self._tally.get(key, []), after.get(key, [])
            if any(
                sum(one <= severity for one in new) > sum(one <= severity for one in old)
                for severity in range(len(TIERS))
            ):
                return False
        return self._reported(changed, target) < self._reported(self.original, target)

    def _reported(self, version: Examination, key: tuple[str, str, str]) -> int:
        return sum(
            self._wanted.reports(item.tier, evident=item.confidence >= _EVIDENT)
            for item in version.findings
            if version.key(item) == key
        )

    def _unharmed(self, changed: Examination) -> bool:
        """Whether analysis went as far as before, and every string is what it was."""
        return not (changed.errors - self.original.errors) and not (
            self.original.strings - changed.strings
        )

    def _misused(self, changed: Examination, finding: Finding, splices: tuple[Splice, ...]) -> bool:
        before = self.original.misuses_around(finding.line)
        # What is inserted above moves the function down.
        first = self._document.line_start(finding.line)
        moved = sum(
            splice.text.count(self._document.newline)
            - self._document.text.count(self._document.newline, splice.start, splice.end)
            for splice in splices
            if splice.start <= first
        )
        after = changed.misuses_around(finding.line + moved)
        return bool(after - before)
