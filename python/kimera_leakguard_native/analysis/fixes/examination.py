"""One version of a file under analysis: what is found in it, and what its functions misuse."""

from __future__ import annotations

import ast
import functools
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import frontend
from kimera_leakguard_native.analysis.fixes.release_order import misuses
from kimera_leakguard_native.analysis.module_check import ModuleCheck, ModuleReport
from kimera_leakguard_native.analysis.rules.registry import selected
from kimera_leakguard_native.errors import AnalysisError
from kimera_leakguard_native.model.finding import TIERS

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.project import Project
    from kimera_leakguard_native.model.finding import Finding

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class _Everything:
    """Asks for every tier, with evidence or without."""

    symbolic: bool

    def reports(self, tier: str, *, evident: bool) -> bool:  # noqa: ARG002
        return tier in TIERS


class Examination:
    """A version of a file, parsed, compiled (never run) and analysed in full.

    Raises
    ------
    AnalysisError
        It does not parse or compile.
    """

    def __init__(self, project: Project, path: str, data: bytes, *, symbolic: bool) -> None:
        self._project = project
        self._source = frontend.parse(path, data)
        self._symbolic = symbolic
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # Finds what the parser lets through: a return outside a function, for one.
                compile(data, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise AnalysisError(f"does not compile: {error}") from error
        self.data = data
        self.tree = self._source.tree
        self._module = project.add(path, self.tree)
        name = project.name_of(path)
        self._objects = project.catalog.vocabulary(data, name).objects
        self._functions = sorted(
            (node for node in ast.walk(self.tree) if isinstance(node, _FUNCTIONS)),
            key=lambda node: (node.lineno, node.col_offset),
        )

    @functools.cached_property
    def _report(self) -> ModuleReport:
        report = ModuleReport()
        wanted = _Everything(self._symbolic)
        ModuleCheck(self._project, self._source, wanted, selected(()), report).run()
        return report

    @property
    def findings(self) -> list[Finding]:
        """Everything that is found in this version."""
        return self._report.findings

    @property
    def errors(self) -> Counter[str]:
        """What was not analysed to its end, and why."""
        return Counter(error.message.partition(": ")[2] for error in self._report.errors)

    def tally(self) -> dict[tuple[str, str, str], list[int]]:
        """Give the severities of the findings by rule, enclosing scope and resource."""
        found: dict[tuple[str, str, str], list[int]] = {}
        for finding in self.findings:
            found.setdefault(self.key(finding), []).append(TIERS.index(finding.tier))
        return found

    def key(self, finding: Finding) -> tuple[str, str, str]:
        """Say what a finding is about, whatever line it is on."""
        return finding.code, str(self._enclosing(finding.line)), finding.resource

    def _enclosing(self, line: int) -> int:
        """Give the position among all functions of the innermost one around a line; -1 if none."""
        found = -1
        for index, node in enumerate(self._functions):
            if node.lineno <= line <= (node.end_lineno or node.lineno):
                found = index
        return found

    def misuses_around(self, line: int) -> Counter[str]:
        """Count what goes wrong with released resources in the function around a line."""
        index = self._enclosing(line)
        node = self._functions[index] if index >= 0 else None
        for scope in self._module.all_scopes():
            if scope.node is node or (node is None and scope.is_module):
                function = self._project.function(self._module, scope)
                try:
                    return Counter(misuses(function, self._objects))
                finally:
                    function.forget_graph()
        return Counter()

    def callee(self, called: ast.expr, function: ast.AST | None) -> str | None:
        """Qualify a called expression as seen from a function."""
        for scope in self._module.all_scopes():
            if scope.node is function or (function is None and scope.is_module):
                return self._module.qualify(scope, called)
        return None

    @functools.cached_property
    def strings(self) -> Counter[str | bytes]:
        """Count the string constants."""
        return Counter(
            node.value
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))
        )
