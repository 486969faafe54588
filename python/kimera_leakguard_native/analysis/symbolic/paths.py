"""Paths through whole functions that do something with memory, under the historic names."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.allocations import allocations_in
from kimera_leakguard_native.analysis.lowering import lower
from kimera_leakguard_native.analysis.names import ModuleScopes, Scope, scopes_of
from kimera_leakguard_native.analysis.resources.catalog import catalog
from kimera_leakguard_native.analysis.symbolic import conditions
from kimera_leakguard_native.analysis.symbolic.solver import Answer, Budget, Literal, decide
from kimera_leakguard_native.analysis.symbolic.state import Store
from kimera_leakguard_native.analysis.symbolic.surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_PATHS = 256
"""Of one function; what lies beyond is not explored."""
_PASSES = 2


@dataclass(frozen=True, slots=True)
class Path:
    """One way through a function: blocks in order, and the outcome of each test on it.

    Attributes
    ----------
    function : str
    lines : tuple of int
        Lines that run, in order, without repeats next to each other.
    allocations : tuple of int
        Lines among them that allocate.
    """

    function: str
    graph: cfg.Graph
    blocks: tuple[tuple[int, bool | None], ...]
    lines: tuple[int, ...]
    allocations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MemoryPath:
    """A path after symbolic execution.

    Attributes
    ----------
    conditions : tuple of str
        The tests on the path as they come out.
    feasible : bool
        Whether they can hold together; also true where the solver could not say.
    values : dict of str to object
        Parameters, globals and attributes under which they do.
    """

    function: str
    lines: tuple[int, ...]
    allocations: tuple[int, ...]
    conditions: tuple[str, ...]
    feasible: bool
    values: dict[str, Any] = field(default_factory=dict)


class KimeraSymbolicExecutor:
    """Explores the paths of functions that operate on memory, the directed way."""

    def __init__(self) -> None:
        self._wanted: frozenset[int] | None = None

    def explore_memory_paths(
        self, ast_tree: ast.AST, allocation_sites: Iterable[Any] = ()
    ) -> Iterator[MemoryPath]:
        """Give the feasible paths with memory operations.

        Parameters
        ----------
        ast_tree : ast.AST
            A module or a function.
        allocation_sites : iterable of MemoryAllocation or int
            Lines of interest; all allocations, if empty.
        """
        lines = {getattr(site, "line_number", site) for site in allocation_sites}
        self._wanted = frozenset(lines) or None
        for path in self.generate_paths(ast_tree):
            if self.contains_memory_operations(path):
                result = self.execute_symbolically(path)
                if result.feasible:
                    yield result

    def generate_paths(self, ast_tree: ast.AST) -> Iterator[Path]:
        """Give the paths of each function, loops at most twice around."""
        for module, scope in _functions(ast_tree):
            graph = lower(module, scope)
            sites = {item.line for item in allocations_in(module, scope)}
            for blocks in _walks(graph):
                lines: dict[int, None] = {}
                for number, _ in blocks:
                    for instruction in graph.blocks[number].instructions:
                        lines.setdefault(instruction.line)
                yield Path(
                    scope.name,
                    graph,
                    blocks,
                    tuple(lines),
                    tuple(line for line in lines if line in sites),
                )

    def contains_memory_operations(self, path: Path) -> bool:
        """Whether the path allocates, at one of the lines of interest if there are any."""
        if self._wanted is None:
            return bool(path.allocations)
        return bool(self._wanted.intersection(path.lines))

    def execute_symbolically(self, path: Path) -> MemoryPath:
        """Run the path on symbolic values and decide whether its tests hold together."""
        around = Surroundings(None, catalog().callees, path.graph.types)
        store = Store(around)
        literals: list[Literal] = []
        shown: list[str] = []
        feasible = True
        for number, taken in path.blocks:
            block = path.graph.blocks[number]
            for instruction in block.instructions:
                store.run(instruction)
            end = block.terminator
            if taken is None or not isinstance(end, cfg.Branch):
                continue
            shown.append(condition_text(end, taken=taken))
            decided = conditions.atom(end.condition, store)
            if isinstance(decided, bool):
                feasible = feasible and decided is taken
            elif decided is not None:
                literals.append((decided[0], decided[1] == taken))
        verdict = decide(literals, Budget())
        return MemoryPath(
            path.function,
            path.lines,
            path.allocations,
            tuple(shown),
            feasible and verdict.answer is not Answer.INFEASIBLE,
            verdict.values,
        )


def condition_text(branch: cfg.Branch, *, taken: bool) -> str:
    """Give a test as a condition that holds on the branch."""
    if isinstance(branch.condition, ir.Unknown) and branch.condition.note == "has another item":
        return f"{branch.text} has {'another item' if taken else 'no more items'}"
    return branch.text if taken else f"not ({branch.text})"


def _functions(tree: ast.AST) -> list[tuple[ModuleScopes, Scope]]:
    body = tree.body if isinstance(tree, ast.Module) else [tree]
    module = scopes_of(ast.Module(body=body, type_ignores=[]), "source")  # type: ignore[arg-type]
    return [(module, scope) for scope in module.functions.values()]


def _walks(graph: cfg.Graph) -> Iterator[tuple[tuple[int, bool | None], ...]]:
    """Enumerate walks from the entry to an end, depth first."""
    stack: list[tuple[int, tuple[tuple[int, bool | None], ...], dict[int, int]]] = [
        (cfg.ENTRY, (), {})
    ]
    found = 0
    while stack and found < MAX_PATHS:
        number, walk, passes = stack.pop()
        if number in graph.loops:
            if passes.get(number, 0) >= _PASSES:
                continue
            passes = {**passes, number: passes.get(number, 0) + 1}
        end = graph.blocks[number].terminator
        if isinstance(end, cfg.Branch):
            stack.append((end.when_false, (*walk, (number, False)), passes))
            stack.append((end.when_true, (*walk, (number, True)), passes))
        elif isinstance(end, (cfg.Jump, cfg.Resume)):
            stack.append((end.target, (*walk, (number, None)), passes))
        else:
            found += 1
            yield (*walk, (number, None))
