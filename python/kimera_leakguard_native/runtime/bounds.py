"""Whether the code at a growing site bounds the container that keeps what it allocates.

A cache that is not full when the run ends looks exactly like a leak: nothing has left it yet. Only
its code tells the two apart, so the file that grows is read (never run) for a limit.
"""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kimera_leakguard_native.runtime.call_stacks import is_application

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kimera_leakguard_native.model.frame import Frame
    from kimera_leakguard_native.model.site import SiteVerdict

_MAX_FRAMES = 4
_MAX_SOURCE = 2_000_000

_ADDING = {
    "add",
    "append",
    "appendleft",
    "extend",
    "insert",
    "put",
    "put_nowait",
    "setdefault",
    "update",
}
_REMOVING = {"clear", "pop", "popitem", "popleft", "remove", "discard", "get", "get_nowait"}
_LIMITS = {"maxlen", "maxsize", "max_size", "capacity"}

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit found in the code."""

    line: int
    text: str


def weigh(sites: Sequence[SiteVerdict]) -> list[SiteVerdict]:
    """Turn leaks into warm-ups where the code limits the container; give others unchanged."""
    weighed = [_weigh(site) if site.verdict == "leak" else site for site in sites]
    limited = [
        after
        for before, after in zip(sites, weighed, strict=True)
        if after is not before and after.growth_bytes_per_s > 0
    ]
    return [
        _as_argument(site, limited) if site.verdict == "leak" and limited else site
        for site in weighed
    ]


def _as_argument(site: SiteVerdict, limited: Sequence[SiteVerdict]) -> SiteVerdict:
    """Turn a leak into a warm-up where its line calls what fills a limited container.

    What such a call is given can stay too, as a key. Where the line itself stores what it makes
    into a container that nothing limits, that is the leak.
    """
    here = (site.file, site.line)
    for other in limited:
        called_by = [(frame.file, frame.line) for frame in other.stack[1 : 1 + _MAX_FRAMES]]
        if here not in called_by or other.growth_bytes_per_s < site.growth_bytes_per_s:
            continue
        found = _bound_at(site.stack[0]) if site.stack else None
        if found is not None and found[1]:
            continue
        reason = (
            f"{site.evidence}; but it calls {other.function}, whose container at"
            f" {other.file}:{other.line} is limited and fills up: perhaps a key of it"
        )
        return replace(site, verdict="warm-up", confidence=0.5, evidence=reason)
    return site


def _weigh(site: SiteVerdict) -> SiteVerdict:
    frames = [frame for frame in site.stack if is_application(frame.file)]
    for frame in frames[:_MAX_FRAMES]:
        found = _bound_at(frame)
        if found is None:
            continue
        bound, keeps = found
        if bound is not None:
            reason = (
                f"{site.evidence}; but {frame.file}:{bound.line} limits what keeps it"
                f" ({bound.text}): not full when the run ended"
            )
            return replace(site, verdict="warm-up", confidence=0.6, evidence=reason)
        if keeps:
            break  # the container is known, and nothing limits it
    return site


def _bound_at(frame: Frame) -> tuple[Bound | None, bool] | None:
    tree = _parse(frame.file)
    if tree is None:
        return None
    function = _function_at(tree, frame.line)
    if not isinstance(function, ast.Module) and (limit := _cached(function)) is not None:
        return limit, True
    if (limit := _calls_cached(tree, function, frame.line)) is not None:
        return limit, True
    containers = _keepers(function, frame.line)
    for container in containers:
        bound = _limit_of(tree, container)
        if bound is not None:
            return bound, True
    return None, bool(containers)


@functools.lru_cache(maxsize=64)
def _parse(file: str) -> ast.Module | None:
    try:
        with open(file, "rb") as stream:
            source = stream.read(_MAX_SOURCE)
        return ast.parse(source)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


def _function_at(tree: ast.Module, line: int) -> _Function:
    best: _Function = tree
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (
            node.lineno <= line <= (node.end_lineno or node.lineno)
        ):
            best = node  # walk goes from the outside in
    return best


def _cached(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Bound | None:
    """Find a cache decorator with a limit: what the function returns, the cache keeps."""
    for decorator in function.decorator_list:
        text = ast.unparse(decorator)
        name = text.split("(")[0].rsplit(".", 1)[-1]
        if name == "lru_cache" and "maxsize=None" not in text and "(None" not in text:
            return Bound(decorator.lineno, f"@{text}")
    return None


def _calls_cached(tree: ast.Module, function: _Function, line: int) -> Bound | None:
    """Find a call at a line to such a function: the cache keeps the arguments too, as its keys."""
    called = {
        node.func.id
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.lineno <= line <= (node.end_lineno or node.lineno)
    }
    limits = (
        _cached(node)
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name in called
    )
    return next((limit for limit in limits if limit is not None), None)


def _keepers(function: _Function, line: int) -> list[str]:
    """Give the containers into which the value made at a line is stored."""
    statements = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.stmt)
        and node.lineno <= line <= (node.end_lineno or node.lineno)
        and not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    ]
    if not statements:
        return []
    statement = max(statements, key=lambda node: (node.lineno, -(node.end_lineno or 0)))
    direct = list(_stores(statement))
    if direct:
        return direct
    names = {
        name.id
        for target in _targets(statement)
        for name in ast.walk(target)
        if isinstance(name, ast.Name)
    }
    return [
        container
        for other in ast.walk(function)
        if isinstance(other, ast.stmt) and not hasattr(other, "body")
        for container in _stores(other)
        if names & {name.id for name in ast.walk(other) if isinstance(name, ast.Name)}
    ]


def _targets(statement: ast.stmt) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return statement.targets
    if isinstance(statement, (ast.AnnAssign, ast.AugAssign)):
        return [statement.target]
    return []


def _stores(statement: ast.stmt) -> Iterator[str]:
    for target in _targets(statement):
        if isinstance(target, ast.Subscript):
            yield ast.unparse(target.value)
    if isinstance(statement, (ast.Expr, ast.Assign)) and isinstance(statement.value, ast.Call):
        function = statement.value.func
        if isinstance(function, ast.Attribute) and function.attr in _ADDING:
            yield ast.unparse(function.value)


def _limit_of(tree: ast.Module, container: str) -> Bound | None:
    for node in ast.walk(tree):
        if isinstance(node, (ast.If, ast.While)) and _compares_length(node.test, container):
            body = [*node.body, *_called(tree, node.body)]
            if any(_changes(statement, container) for statement in body):
                return Bound(node.lineno, ast.unparse(node.test))
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Call):
            named = any(ast.unparse(target) == container for target in _targets(node))
            limits = [k for k in node.value.keywords if k.arg in _LIMITS and not _is_none(k.value)]
            if named and limits:
                return Bound(node.lineno, ast.unparse(node.value))
    return None


def _called(tree: ast.Module, body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Give what the functions and methods of the file do that a block calls by name or on self."""
    names = set()
    for node in (inner for statement in body for inner in ast.walk(statement)):
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name):
                names.add(function.id)
            elif isinstance(function, ast.Attribute) and ast.unparse(function.value) == "self":
                names.add(function.attr)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name in names:
            yield from node.body


def _compares_length(test: ast.expr, container: str) -> bool:
    for node in ast.walk(test):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        lengths = [side for side in sides if ast.unparse(side) == f"len({container})"]
        others = [side for side in sides if side not in lengths]
        # Against zero or one it asks whether there is anything, which is no limit.
        if lengths and not any(isinstance(o, ast.Constant) and o.value in {0, 1} for o in others):
            return True
    return False


def _changes(statement: ast.stmt, container: str) -> bool:
    """Whether a statement under the comparison removes from the container or adds to it."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Delete) and any(
            isinstance(t, ast.Subscript) and ast.unparse(t.value) == container for t in node.targets
        ):
            return True
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _REMOVING | _ADDING
            and ast.unparse(node.func.value) == container
        ):
            return True
        if isinstance(node, ast.Assign) and any(
            ast.unparse(target).startswith(container) for target in node.targets
        ):
            return True
    return False


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
