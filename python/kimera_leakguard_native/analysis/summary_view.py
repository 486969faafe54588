"""The historic summary of one function: a view on the analyzer's result, not a second analyzer."""

from __future__ import annotations

import textwrap
import time
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import frontend
from kimera_leakguard_native.analysis.allocations import Allocation, allocations_in
from kimera_leakguard_native.analysis.branches import feasible_conditions
from kimera_leakguard_native.analysis.module_check import ModuleCheck, ModuleReport
from kimera_leakguard_native.analysis.object_fate import Fate, fate_of
from kimera_leakguard_native.analysis.options import Options
from kimera_leakguard_native.analysis.project import Project
from kimera_leakguard_native.analysis.rules.registry import selected
from kimera_leakguard_native.errors import AnalysisError
from kimera_leakguard_native.model.guardian import (
    FunctionSummary,
    MemoryAllocation,
    PointerEscapeInfo,
)

if TYPE_CHECKING:
    import ast

    from kimera_leakguard_native.analysis.names import ModuleScopes
    from kimera_leakguard_native.analysis.project import Function

_FILE = "<source>"


class _OneModule(Project):
    """A project of one text, whose scopes and graphs are made once for all who ask."""

    def __init__(self, tree: ast.Module) -> None:
        super().__init__([_FILE])
        self.scopes = super().add(_FILE, tree)

    def add(self, file: str, tree: ast.Module) -> ModuleScopes:  # noqa: ARG002 - there is one
        """Give the scopes that are there."""
        return self.scopes


def function_summary(source: str, name: str) -> FunctionSummary:
    """Summarise the memory behaviour of one function.

    Parameters
    ----------
    source : str
        Text with the function; a method's indented text is fine.
    name : str
        Its name, qualified (``Class.method``) or not.

    Returns
    -------
    FunctionSummary
        Allocations in the order of the source. Deallocations are ``dealloc_<line>`` for a `del`,
        `close`, `release` or end of `with`, and ``scope_end_<line>`` for objects that nothing
        outside refers to when the function ends. Conditions are those of branches that can be
        taken. Not safe only where a resource leaks on a feasible path.

    Raises
    ------
    AnalysisError
        The text does not parse, or has no such function.
    """
    parsed = frontend.parse(_FILE, textwrap.dedent(source).encode("utf-8", "surrogatepass"))
    project = _OneModule(parsed.tree)
    module = project.scopes
    scope = next(
        (
            one
            for key, one in module.functions.items()
            if key == name or key.rpartition(".")[2] == name
        ),
        None,
    )
    if scope is None:
        raise AnalysisError(f"there is no function {name!r} in the source")
    function = project.function(module, scope)
    try:
        return _summarise(function, parsed, name)
    except RecursionError as error:
        raise AnalysisError(f"{name}: nested too deeply to be analysed") from error


def _summarise(function: Function, parsed: frontend.Source, name: str) -> FunctionSummary:
    graph = function.graph()
    now = time.time()
    allocations: list[MemoryAllocation] = []
    deallocations: list[str] = []
    escapes: list[PointerEscapeInfo] = []
    conditions = feasible_conditions(graph, function.project.catalog.callees)
    for index, site in enumerate(allocations_in(function.module, function.scope)):
        fate = fate_of(site.node, function)
        identity = f"{name}_{site.line}_{index}"
        allocations.append(_allocation(identity, name, site, fate, conditions, now))
        deallocations.extend(fate.releases)
        if fate.escapes:
            escapes.append(
                PointerEscapeInfo(
                    pointer_id=identity,
                    escapes_via_return=fate.returned,
                    escapes_via_parameter=fate.by_parameter,
                    escapes_via_global=fate.by_global,
                    escape_conditions=list(conditions) if fate.sometimes else [],
                    ownership_transfer=fate.returned or fate.by_parameter,
                )
            )
    leaks, checked = _leaks(function, parsed)
    return FunctionSummary(
        function_name=name,
        allocations=allocations,
        deallocations=deallocations,
        pointer_escapes=escapes,
        path_conditions=conditions,
        memory_balance=len(allocations) - len(deallocations),
        is_memory_safe=not leaks,
        refuted_leaks=checked.statistics.removed_alarms,
        symbolic_seconds=checked.symbolic_seconds,
    )


def _allocation(
    identity: str,
    name: str,
    site: Allocation,
    fate: Fate,
    conditions: list[str],
    now: float,
) -> MemoryAllocation:
    status = "escaped" if fate.escapes else "not_escaped"
    if fate.escapes and fate.sometimes:
        status = "conditional"
    return MemoryAllocation(
        allocation_id=identity,
        function_name=name,
        line_number=site.line,
        allocation_type=site.kind,
        size_bytes=site.size,
        timestamp=now,
        call_stack=[name],
        symbolic_path=" and ".join(conditions) or None,
        escape_status=status,
    )


class _UntilFirst:
    """Wants what a run wants by default, until one leak is found within some lines.

    Whether the next acquisitions leak as well changes nothing, and each answer costs a search.
    """

    symbolic = True

    def __init__(self, report: ModuleReport, first: int, last: int) -> None:
        self._usual = Options()
        self._report = report
        self._first, self._last = first, last

    def found(self) -> bool:
        """Whether there is one."""
        return any(self._first <= one.line <= self._last for one in self._report.findings)

    def reports(self, tier: str, *, evident: bool) -> bool:
        """Whether findings of a tier are wanted."""
        # Memory that is kept is no leak of this function's resources.
        return tier != "M" and self._usual.reports(tier, evident=evident) and not self.found()


def _leaks(function: Function, parsed: frontend.Source) -> tuple[bool, ModuleReport]:
    report = ModuleReport()
    wanted = _UntilFirst(report, *_span(function.scope.node))
    codes = selected(())
    ModuleCheck(function.project, parsed, wanted, codes, report, one_a_function=True).run()
    if report.errors:
        raise AnalysisError("; ".join(error.message for error in report.errors))
    return wanted.found(), report


def _span(node: ast.AST) -> tuple[int, int]:
    first = getattr(node, "lineno", 1)
    return first, getattr(node, "end_lineno", None) or first
