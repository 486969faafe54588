"""Entries that a function puts into a table for the time of its work, and leaves there on an error.

Two shapes: the function takes the entry out itself, but not on the way that an exception takes; or
it waits with a time limit for the object that it has put there, and after the time-out the entry
stays.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.outline import dotted, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.body import Body
    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

GLOBAL = "KLG203"
ATTRIBUTE = "KLG204"

_REMOVAL = re.compile(rb"\bdel [\w.]+\[|\.(?:pop|remove|discard)\(\w")
_LIMIT = re.compile(rb"\bwait_for\(|\btimeout|\.wait\(|\bfail_after\(|\bmove_on_after\(")
_TAKES = frozenset({"pop", "remove", "discard"})
_ADDS = frozenset({"add", "append"})
_QUIET = frozenset({"debug", "info", "warning", "error", "exception", "append", "add", "get"})
_QUIET_NAMES = frozenset({"len", "print", "str", "repr", "id", "isinstance", "time", "monotonic"})
_BOUNDED = frozenset({"wait_for", "wait", "result", "get", "join"})
_MAKES = re.compile(r"^(Future|create_future|Event|Queue|Condition|SimpleQueue|AsyncResult)$")
_MIN_GAP = 2
_CLEANS = re.compile(r"remove|clean|forget|discard|close|cancel|delete|pop|release|unregister|stop")


def find(outline: Outline) -> Iterator[Retention]:
    """Look at the functions that take something out of a table, or wait with a time limit."""
    data = outline.source.data
    offsets = [match.start() for match in _REMOVAL.finditer(data)]
    for function in outline.functions_at(iter(offsets)):
        yield from _skipped(function)
    if b"] = " in data:
        offsets = [match.start() for match in _LIMIT.finditer(data)]
        for function in outline.functions_at(iter(offsets)):
            yield from _timed_out(function)


def _skipped(function: Definition) -> Iterator[Retention]:
    """Look for `table[key] = x`, work, and `del table[key]` one after the other."""
    body = function.body
    for block in _blocks(function):
        removals = [
            (number, place, key)
            for number, statement in enumerate(block)
            for place, key in [_removed(statement)]
            if place is not None
        ]
        for last, place, key in removals:
            first = next(
                (i for i in range(last - 1, -1, -1) if _added(block[i]) == (place, key)), None
            )
            if first is None or last - first < _MIN_GAP or place is None:
                continue
            works = next((one for s in block[first + 1 : last] if (one := _may_raise(s))), None)
            if works is None or _is_bound(function, place) or _protects(body, block[first], place):
                continue
            if any(_ends(statement) for statement in block[first + 1 : last]):
                continue
            yield _left(
                block[first],
                place,
                f"{place} keeps {key} where line {works.lineno} raises: nothing takes it out on "
                "that way",
                (
                    (block[first].lineno, f"{key} is added"),
                    (works.lineno, "what raises here skips the removal"),
                    (block[last].lineno, "removed here, and in no finally clause"),
                ),
                0.4,
            )


def _timed_out(function: Definition) -> Iterator[Retention]:
    """Look for `table[key] = future` and a wait for the future that may time out."""
    body = function.body
    for node in body.every(ast.Assign):
        target = next((item for item in node.targets if isinstance(item, ast.Subscript)), None)
        place = dotted(target.value) if target is not None else None
        if target is None or place is None or isinstance(target.slice, (ast.Constant, ast.Slice)):
            continue
        name = next((item.id for item in node.targets if isinstance(item, ast.Name)), None)
        name = node.value.id if isinstance(node.value, ast.Name) else name
        if name is None or _is_bound(function, place) or not _is_awaited(function, name):
            continue
        wait = next((one for one in body.calls if _is_bounded(one, name)), None)
        if wait is None or wait.lineno < node.lineno or _protects(body, wait, place):
            continue
        key = ast.unparse(target.slice)[:40]
        yield _left(
            node,
            place,
            f"{place} keeps {key} where the wait for it times out: nothing takes it out on that "
            "way",
            (
                (node.lineno, f"{name} is put under {key}"),
                (wait.lineno, "a time-out leaves the entry where it is"),
            ),
            0.45,
        )


def _left(
    node: ast.stmt, place: str, message: str, steps: tuple[tuple[int, str], ...], confidence: float
) -> Retention:
    code = ATTRIBUTE if "." in place else GLOBAL
    return Retention(code, node, message, "container", confidence, steps=steps)


def _blocks(function: Definition) -> Iterator[list[ast.stmt]]:
    yield function.node.body
    for node in function.body.nodes:
        for part in ("body", "orelse", "finalbody"):
            block = getattr(node, part, None)
            if isinstance(block, list) and len(block) > _MIN_GAP:
                yield block


def _removed(statement: ast.stmt) -> tuple[str | None, str]:
    """Give the table and the key that a statement takes out of it."""
    if isinstance(statement, ast.Delete) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Slice):
            return dotted(target.value), ast.unparse(target.slice)
    call = getattr(statement, "value", None)
    return _called(call, _TAKES)


def _added(statement: ast.stmt) -> tuple[str | None, str]:
    """Give the table and the key, or the element, that a statement puts into it."""
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Subscript):
        target = statement.targets[0]
        return dotted(target.value), ast.unparse(target.slice)
    call = statement.value if isinstance(statement, ast.Expr) else None
    return _called(call, _ADDS)


def _called(call: ast.expr | None, names: frozenset[str]) -> tuple[str | None, str]:
    if (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in names
        and call.args
    ):
        return dotted(call.func.value), ast.unparse(call.args[0])
    return None, ""


def _may_raise(statement: ast.stmt) -> ast.expr | None:
    """Give the first call or await of a statement that does more than note something."""
    if isinstance(statement, ast.Try) and statement.handlers:
        return None
    for node in ast.walk(statement):
        if isinstance(node, (ast.Await, ast.Yield)):
            return node
        if isinstance(node, ast.Call):
            quiet = _QUIET if isinstance(node.func, ast.Attribute) else _QUIET_NAMES
            if last_name(node.func) not in quiet:
                return node
    return None


def _ends(statement: ast.stmt) -> bool:
    """Whether an earlier return, or a removal in a branch, shows that it is not so simple."""
    return any(
        isinstance(node, (ast.Delete, ast.Return))
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in (*_TAKES, "clear")
        )
        for node in ast.walk(statement)
    )


def _is_bound(function: Definition, place: str) -> bool:
    """Whether a table is a variable of the frame, and so ends with it."""
    root, dot, _ = place.partition(".")
    if dot:
        return root not in (function.self_name, "cls")
    return (
        place not in {name for node in function.body.every(ast.Global) for name in node.names}
        and any(
            isinstance(node, ast.Name) and node.id == root and isinstance(node.ctx, ast.Store)
            for node in function.body.nodes
        )
    ) or any(root == item.arg for item in function.node.args.args)


def _protects(body: Body, node: ast.AST, place: str) -> bool:
    """Whether a cleanup around a node or behind it, or a callback, takes out of the table."""
    around = list(body.around(node))
    line: int = node.lineno  # type: ignore[attr-defined]
    for item in body.nodes:
        if isinstance(item, ast.Try) and line <= (item.end_lineno or 0):
            cleanup: list[ast.AST] = [*item.finalbody, *item.handlers]
            if any(_takes_out(one, place, named=item in around) for one in cleanup):
                return True
        elif isinstance(item, (ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef)):
            if item not in around and _takes_out(item, place, named=False):
                return True
        elif (
            isinstance(item, ast.Call)
            and last_name(item.func) == "add_done_callback"
            and body.function_of(item) is body.function_of(node)
        ):
            return True
    return False


def _takes_out(node: ast.AST, place: str, *, named: bool) -> bool:
    """Whether something below a node takes out of the table, or is only named as if it did."""
    for item in ast.walk(node):
        if isinstance(item, ast.Delete):
            if any(
                isinstance(one, ast.Subscript) and dotted(one.value) == place
                for one in item.targets
            ):
                return True
        elif isinstance(item, ast.Call):
            called = item.func
            if (
                isinstance(called, ast.Attribute)
                and called.attr in (*_TAKES, "clear", "popitem", "popleft")
                and dotted(called.value) == place
            ):
                return True
            if named and _CLEANS.search(last_name(called) or ""):
                return True
    return False


def _is_awaited(function: Definition, name: str) -> bool:
    """Whether a variable is made here as something that one waits for."""
    return any(
        isinstance(node.value, (ast.Call, ast.Subscript))
        and any(isinstance(item, ast.Name) and item.id == name for item in node.targets)
        and _MAKES.match(_made(node.value) or "") is not None
        for node in function.body.every(ast.Assign)
    )


def _made(value: ast.expr) -> str | None:
    """Name what is made, through type arguments: `Future[int]()`."""
    if isinstance(value, ast.Call):
        value = value.func
    if isinstance(value, ast.Subscript):
        value = value.value
    return last_name(value)


def _is_bounded(call: ast.Call, name: str) -> bool:
    """Whether a call waits for a variable, and not for ever."""
    called = last_name(call.func)
    if called not in _BOUNDED:
        return False
    used = {item.id for item in ast.walk(call) if isinstance(item, ast.Name)}
    if name not in used:
        return False
    on_itself = isinstance(call.func, ast.Attribute) and dotted(call.func.value) == name
    limits = call.args if on_itself else call.args[1:]
    if any(not (isinstance(one, ast.Constant) and one.value is None) for one in limits):
        return True
    return any(item.arg == "timeout" for item in call.keywords)
