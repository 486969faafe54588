"""The duties of the classes of one module: stores in, findings out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.dataflow import Flow, Site, Tracker
from kimera_leakguard_native.analysis.obligations.duties import ClassDuties
from kimera_leakguard_native.analysis.obligations.replacements import (
    may_replace,
    replacements,
    replaces,
)
from kimera_leakguard_native.analysis.obligations.reporting import finding_of
from kimera_leakguard_native.analysis.obligations.stores import (
    CONSTRUCTORS,
    Store,
    self_name,
    stores_of,
)
from kimera_leakguard_native.analysis.obligations.text_index import text_index
from kimera_leakguard_native.analysis.ownership import Discharge, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kimera_leakguard_native.analysis.frontend import Source
    from kimera_leakguard_native.analysis.module_check import Wanted
    from kimera_leakguard_native.analysis.obligations.breaches import Breach
    from kimera_leakguard_native.analysis.obligations.text_index import TextIndex
    from kimera_leakguard_native.analysis.project import Function, Project
    from kimera_leakguard_native.model.finding import Finding


class ClassCheck:
    """Collects what the methods of one module store in self, and judges their classes."""

    def __init__(self, project: Project, source: Source) -> None:
        self._project = project
        self._file = source.path
        self._data = source.data
        self._stores: dict[tuple[str, str], list[Store]] = {}

    def note(self, function: Function, site: Site, flow: Flow) -> None:
        """Remember where an acquisition is stored, unless the same method ends it."""
        for store in stores_of(function, site, flow):
            assert function.scope.class_name is not None  # only methods store in self
            if store.method_name not in CONSTRUCTORS and not self._outlives(function, site):
                continue
            key = (function.scope.class_name, store.attribute)
            self._stores.setdefault(key, []).append(store)

    def report(
        self, findings: list[Finding], wanted: Wanted, column: Callable[[int, int], int]
    ) -> None:
        """Add a finding for each attribute that its class forgets.

        Where the acquiring method leaks too, the more certain of the two findings stays.
        """
        for finding in self._findings(wanted, column):
            same = [
                index
                for index, other in enumerate(findings)
                if (other.line, other.column) == (finding.line, finding.column)
                and other.code == finding.code
            ]
            if not same:
                findings.append(finding)
            elif all(findings[index].confidence < finding.confidence for index in same):
                findings[same[0]] = finding

    def _findings(self, wanted: Wanted, column: Callable[[int, int], int]) -> list[Finding]:
        """Judge the classes."""
        found = []
        known: dict[str, ClassDuties] = {}
        for (name, _), stores in self._stores.items():
            module = stores[0].method.module
            scope = module.classes.get(name)
            if scope is None:
                continue
            if name not in known:
                known[name] = ClassDuties.of(self._project, module, scope, self._index)
            breach = known[name].breach(stores)
            if breach is None or not wanted.reports(breach.tier, evident=breach.evident):
                continue
            found.append(finding_of(breach, self._file, self._files(), column))
        found.extend(
            finding_of(breach, self._file, self._files(), column)
            for breach in self._replaced(known)
            if wanted.reports(breach.tier, evident=breach.evident)
        )
        return found

    def _replaced(self, known: dict[str, ClassDuties]) -> Iterator[Breach]:
        names = may_replace(self._data)
        module = self._project.module(self._project.name_of(self._file)) if names else None
        if module is None:
            return
        for name, scope in module.classes.items():
            if not replaces(scope, names):
                continue
            if name not in known:
                known[name] = ClassDuties.of(self._project, module, scope, self._index)
            yield from replacements(known[name], names)

    def _outlives(self, function: Function, site: Site) -> bool:
        """Whether the object still holds the resource when the method is left."""
        frame = function.frame()
        held = replace(frame, self_name=self_name(function), containers={})
        flow = Tracker(function.graph(), site, held, function.effects).run()
        if flow.exhausted:
            return True
        if any(
            outcome is Discharge.RELEASED and level is Level.PLAIN
            for outcome, level, _ in flow.discharges
        ):
            # The method that makes it also means to end it.
            return False
        if any(outcome is not Discharge.RELEASED for outcome, _, _ in flow.discharges):
            return True
        return any(
            leak.state.held is not None and leak.state.level is Level.PLAIN for leak in flow.leaks
        )

    def _index(self) -> TextIndex:
        return text_index(self._project)

    def _files(self) -> dict[str, str]:
        return {name: file for file, name in self._project.names.items()}
