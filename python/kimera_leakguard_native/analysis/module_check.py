"""One module: which of its functions acquire, and which of their acquisitions leak."""

from __future__ import annotations

import ast
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from kimera_leakguard_native.analysis import witness
from kimera_leakguard_native.analysis.accepted_sockets import accepted_sockets
from kimera_leakguard_native.analysis.awaited_futures import TASK, AwaitedFutures
from kimera_leakguard_native.analysis.candidates import Candidate, classify
from kimera_leakguard_native.analysis.dataflow import Flow, Tracker
from kimera_leakguard_native.analysis.feasibility import Feasibility, has_guards
from kimera_leakguard_native.analysis.frontend import text_lines
from kimera_leakguard_native.analysis.given_up import (
    GIVEN_UP,
    given_up,
    may_give_up,
    sites_given_up,
)
from kimera_leakguard_native.analysis.obligations.check import ClassCheck
from kimera_leakguard_native.analysis.opened_files import opened_files
from kimera_leakguard_native.analysis.ownership import Level
from kimera_leakguard_native.analysis.reporting import finding_of
from kimera_leakguard_native.analysis.retention.stage import retentions
from kimera_leakguard_native.analysis.scripts import last_lines, started_by_script
from kimera_leakguard_native.analysis.sites import find_sites, may_acquire, renamed_words
from kimera_leakguard_native.analysis.standard_streams import places_of_stand_ins
from kimera_leakguard_native.analysis.switched_off import blocks_switched_off
from kimera_leakguard_native.analysis.symbolic.availability import available
from kimera_leakguard_native.analysis.symbolic.executor import Outcome
from kimera_leakguard_native.analysis.symbolic.solver import Answer
from kimera_leakguard_native.analysis.work_budget import (
    MAX_SEARCHING,
    MAX_TRACKING,
    QUERY,
    WorkBudget,
)
from kimera_leakguard_native.errors import AnalysisError
from kimera_leakguard_native.model.finding import TIERS, CheckStatistics, FileError, Finding

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis import ir
    from kimera_leakguard_native.analysis.dataflow import Edge, Leak, Site
    from kimera_leakguard_native.analysis.frontend import Source
    from kimera_leakguard_native.analysis.names import Scope
    from kimera_leakguard_native.analysis.project import Function, Project
    from kimera_leakguard_native.analysis.retention.evidence import Retention


class Wanted(Protocol):
    """The part of the options that a module's check needs."""

    @property
    def symbolic(self) -> bool:
        """Whether the solver decides which paths are feasible."""

    def reports(self, tier: str, *, evident: bool) -> bool:
        """Whether findings of a tier are wanted."""


@dataclass(slots=True)
class ModuleReport:
    """What checking one file gave.

    Attributes
    ----------
    symbolic_seconds : float
        Spent on asking whether paths can be taken.
    """

    findings: list[Finding] = field(default_factory=list)
    errors: list[FileError] = field(default_factory=list)
    statistics: CheckStatistics = field(default_factory=CheckStatistics)
    symbolic_seconds: float = 0.0


class ModuleCheck:
    """Checks the functions of one file."""

    def __init__(
        self,
        project: Project,
        source: Source,
        wanted: Wanted,
        codes: frozenset[str],
        report: ModuleReport,
        *,
        one_a_function: bool = False,
    ) -> None:
        self._one_a_function = one_a_function
        self._project = project
        self._source = source
        self._wanted = wanted
        self._codes = codes
        self._report = report
        self._catalog = project.catalog
        self._objects: frozenset[str] = frozenset()
        self._lines: list[str] = []
        self._scripts: frozenset[str] | None = None
        self._futures = AwaitedFutures(source.tree)
        self._last_lines = last_lines(source.tree)
        self._asks = wanted.symbolic and available()
        self._classes = ClassCheck(project, source)

    def run(self) -> None:
        """Check every function that might acquire."""
        statistics = self._report.statistics
        statistics.lines = self._source.line_count()
        retained = self._retained()
        name = self._project.name_of(self._source.path)
        acquirers = self._project.acquirers
        vocabulary = acquirers.vocabularies.get(self._source.path)
        if vocabulary is None:
            vocabulary = self._catalog.vocabulary(self._source.data, name)
        self._objects = vocabulary.objects
        words = vocabulary.words | acquirers.mentioned.get(self._source.path, frozenset())
        gives_up = may_give_up(self._source.data)
        if not words and not gives_up:
            statistics.functions = _count_functions(self._source)
            self._classes.report(self._report.findings, self._wanted, self._column)
            self._join(retained)
            return
        module = self._project.add(self._source.path, self._source.tree)
        statistics.functions = len(module.functions)
        words = renamed_words(module.body, words)
        for scope in module.all_scopes():
            if not may_acquire(scope, renamed_words(scope, words), self._catalog.lasting) and not (
                gives_up and given_up(scope)
            ):
                continue
            function = self._project.function(module, scope)
            try:
                self._function(function)
            except RecursionError:
                self._failed(scope, "nested too deeply to be analysed")
            except AnalysisError as error:
                statistics.budget_exhausted += 1
                self._failed(scope, str(error))
            except Exception as error:  # noqa: BLE001 - one function must not end the run
                self._failed(scope, f"internal error: {type(error).__name__}: {error}")
            finally:
                function.forget_graph()
        self._classes.report(self._report.findings, self._wanted, self._column)
        self._join(retained)

    def _retained(self) -> list[Retention]:
        return retentions(self._source, self._codes, self._wanted, self._project.elsewhere)

    def _join(self, retained: list[Retention]) -> None:
        """Add what is kept; of two findings about one task, the one that is nearer to it stays."""
        further = {(line, item.code) for item in retained for line in item.instead_of}
        tracked = [one for one in self._report.findings if (one.line, one.code) not in further]
        known = {(one.line, one.code) for one in tracked}
        self._report.findings[:] = [one for one in tracked if not self._kept(one.code, one.line)]
        for item in retained:
            place = item.node.lineno, item.code
            if place not in known and not self._kept(item.code, item.node.lineno):
                column = self._column(item.node.lineno, item.node.col_offset)
                self._report.findings.append(item.finding(self._source.path, column))

    def _kept(self, code: str, line: int) -> bool:
        return code == TASK and self._futures.keep(line)

    def _failed(self, scope: Scope, reason: str) -> None:
        line = getattr(scope.node, "lineno", 1)
        self._report.errors.append(
            FileError(self._source.path, f"line {line}: {scope.name}: {reason}")
        )

    def _function(self, function: Function) -> None:
        graph = function.graph()
        tracking, searching = WorkBudget(MAX_TRACKING), WorkBudget(MAX_SEARCHING)
        cut_short = 0
        best: dict[tuple[int, str], Finding] = {}
        reported: set[tuple[ir.Instruction | None, str]] = set()
        sites = find_sites(graph, self._catalog, function.effects, self._objects)
        sites.extend(opened_files(function, sites))
        sites.extend(accepted_sockets(function, sites))
        sites.extend(sites_given_up(graph, function.scope, sites))
        off = blocks_switched_off(graph, function.module) if sites else frozenset()
        stand_ins = places_of_stand_ins(graph, function.scope)
        for site in sites:
            if site.resource.rule not in self._codes or site.call is None:
                continue
            if site.block in off or site.place in stand_ins:
                continue
            # Cleanup code is there once for each way into it, the call in it too.
            key = id(site.call.source), site.role
            if (site.origin, site.role) in reported:
                continue
            flow = Tracker(graph, site, function.frame(), function.effects, tracking).run()
            self._report.statistics.budget_exhausted += flow.exhausted
            cut_short += flow.exhausted and tracking.exhausted
            finding = self._first_feasible(function, site, flow, searching)
            if finding is not None:
                if finding.tier != "X":
                    reported.add((site.origin, site.role))
                best[key] = min(best.get(key, finding), finding, key=_certainty)
                if self._one_a_function:
                    break
            if not site.resource.tier:
                self._classes.note(function, site, flow)
        self._report.findings.extend(best.values())
        if cut_short:
            self._failed(
                function.scope,
                f"too much work: {cut_short} acquisitions are not followed to their end",
            )

    def _ends_program(self, scope: Scope) -> bool:
        """Whether a function is where a program ends: an exit there takes all resources with it."""
        if scope.is_module or scope.name in ("main", "_main", "cli", "run_main"):
            return True
        if self._scripts is None:
            self._scripts = started_by_script(self._source.tree)
        return scope.name in self._scripts

    def _first_feasible(
        self, function: Function, site: Site, flow: Flow, searching: WorkBudget
    ) -> Finding | None:
        """Give the finding of the most certain tier whose path can be taken, if it is wanted."""
        ends_program = self._ends_program(function.scope)
        feasibility: Feasibility | None = None
        odd: Finding | None = None
        candidates = classify(site, flow, function.graph(), ends_program=ends_program)
        for position, candidate in enumerate(candidates):
            if not any(self._wants(item) for item in candidates[position:]):
                return odd
            if not self._asks or not has_guards(function.graph()):
                path = witness.shortest(flow, candidate.leaks[0])
                return self._finding(function, candidate, flow, candidate.leaks[0], path, None)
            if searching.exhausted:
                outcome = Outcome(Answer.UNKNOWN, exhausted=True)
            else:
                began = time.perf_counter()
                if feasibility is None:
                    feasibility = Feasibility(function, candidate, ends_program=ends_program)
                    searching.spend(len(feasibility.flow.edges))
                outcome = feasibility.decide(candidate)
                self._report.symbolic_seconds += time.perf_counter() - began
                searching.spend(outcome.work + QUERY * outcome.queries)
            self._count(outcome)
            if outcome.answer is Answer.INFEASIBLE:
                self._report.statistics.removed_alarms += self._wants(candidate)
                continue
            followed, path, leak = flow, outcome.path, candidate.leaks[0]
            if feasibility is None or outcome.answer is Answer.UNKNOWN or not path:
                path = witness.shortest(flow, leak)
            else:
                followed, leak = feasibility.flow, feasibility.leak_at(candidate, path[-1].target)
            unproven = outcome.exhausted and outcome.answer is Answer.UNKNOWN
            if not outcome.odd and not (unproven and candidate.tier != "N"):
                return self._finding(function, candidate, followed, leak, path, outcome)
            advice = Candidate(site, "X", False, [leak])
            odd = odd or self._finding(function, advice, followed, leak, path, outcome)
        return odd

    def _wants(self, candidate: Candidate) -> bool:
        if candidate.site.resource.owned:
            return False
        call = candidate.site.call
        if call is not None and call.line in self._last_lines:
            return self._wanted.reports(candidate.tier, evident=False)
        if candidate.site.kind == GIVEN_UP and candidate.tier != "X":
            # Where nothing fails, somebody else may be the owner.
            return False
        provided = candidate.site.provided
        if provided is not None and provided.sometimes and candidate.tier != "N":
            # The way out may be the one on which there is nothing to release.
            return False
        tier = candidate.site.resource.tier
        if tier:
            if candidate.tier == "X" or candidate.leaks[0].state.level is not Level.PLAIN:
                return False
            return self._wanted.reports(tier, evident=tier == "D")
        return self._wanted.reports(candidate.tier, evident=candidate.evident)

    def _count(self, outcome: Outcome) -> None:
        statistics = self._report.statistics
        statistics.symbolic_queries += outcome.queries
        statistics.infeasible_paths += outcome.infeasible
        statistics.budget_exhausted += outcome.exhausted

    def _finding(
        self,
        function: Function,
        candidate: Candidate,
        flow: Flow,
        leak: Leak,
        path: list[Edge],
        outcome: Outcome | None,
    ) -> Finding | None:
        if not self._wants(candidate):
            return None
        call = candidate.site.call
        assert call is not None  # only acquisitions by a call are tracked here
        scope = function.scope
        return finding_of(
            candidate,
            leak,
            self._source.path,
            "the module" if scope.is_module else f"{scope.name.rpartition('.')[2]}()",
            witness.decisions(function.graph(), flow, path, outcome.values if outcome else {}),
            proven=self._asks and (outcome is None or outcome.answer is Answer.FEASIBLE),
            column=self._column(call.line, call.column),
        )

    def _column(self, line: int, offset: int) -> int:
        """Turn an offset in UTF-8 bytes into a 1-based column in characters."""
        if not self._lines:
            self._lines = text_lines(self._source.data)
        if line > len(self._lines):
            return offset + 1
        before = self._lines[line - 1].encode("utf-8", errors="replace")[:offset]
        return len(before.decode("utf-8", errors="replace")) + 1


_WITH_STATEMENTS = (ast.stmt, ast.ExceptHandler, ast.match_case)


def _certainty(finding: Finding) -> tuple[int, float]:
    return TIERS.index(finding.tier), -finding.confidence


def _count_functions(source: Source) -> int:
    """Count without looking into expressions, unless there is a lambda to be found there."""
    count = 0
    inside: tuple[type[ast.AST], ...] = _WITH_STATEMENTS
    if b"lambda" in source.data:
        inside = (ast.AST,)
    pending: list[ast.AST] = [source.tree]
    while pending:
        node = pending.pop()
        count += isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for value in node.__dict__.values():
            if type(value) is list:
                pending.extend(item for item in value if isinstance(item, inside))
            elif isinstance(value, inside):
                pending.append(value)
    return count
