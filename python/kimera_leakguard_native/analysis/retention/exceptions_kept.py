"""Exceptions, tracebacks and frames that are kept after they were handled.

An exception holds its traceback, that holds the frames it passed, and those hold their variables.
"""

from __future__ import annotations

import ast
import functools
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.outline import dotted, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.body import Body
    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

STORED = "KLG410"
LOCAL = "KLG411"

_NAMED = re.compile(rb"except\b[^\n]*?\bas (\w+)")
_FRAME = re.compile(rb"exc_info\(|currentframe\(\)|_getframe\(0?\)|\.stack\(\)")
_KEPT = (
    rb"= *(?:[(\[{][^\n]*\b)?%(n)s\b *[,)\]}]*[ \t]*[#\r\n]"
    rb"|\.(?:append|appendleft|add|put|put_nowait|insert|setdefault)\([^=]{0,120}?\b%(n)s\b *[,)]"
)
_REACH = 3000
"""Bytes after the head of a handler in which its name is looked for."""
_ADDERS = frozenset({"append", "appendleft", "add", "put", "put_nowait", "insert", "setdefault"})
_FRAMES = frozenset({"inspect.currentframe", "sys._getframe", "inspect.stack"})


def find(outline: Outline) -> Iterator[Retention]:
    """Look at the functions that name an exception or ask for a frame."""
    for function in outline.functions_at(_offsets(outline.source.data)):
        variables: set[tuple[str, ast.AST]] = set()
        for handler in function.body.every(ast.ExceptHandler):
            if handler.name:
                yield from _handler(outline, function, handler, handler.name, variables)
        yield from _frames(outline, function)


def _offsets(data: bytes) -> Iterator[int]:
    """Give places that may keep something: most handlers only look at their exception."""
    for match in _NAMED.finditer(data):
        if _kept_pattern(match[1]).search(data, match.end(), match.end() + _REACH):
            yield match.end()
    if b"exc_info" in data or b"frame" in data or b"inspect" in data:
        for match in _FRAME.finditer(data):
            yield match.start()


@functools.lru_cache(maxsize=256)
def _kept_pattern(name: bytes) -> re.Pattern[bytes]:
    return re.compile(_KEPT % {b"n": re.escape(name)})


def _handler(
    outline: Outline,
    function: Definition,
    handler: ast.ExceptHandler,
    name: str,
    variables: set[tuple[str, ast.AST]],
) -> Iterator[Retention]:
    body = function.body
    for statement in _statements(handler.body):
        if isinstance(statement, ast.Assign) and _holds(statement.value, name):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    # The first of several handlers that fill one variable speaks for all.
                    variable = (target.id, body.function_of(statement))
                    if variable in variables:
                        continue
                    variables.add(variable)
                yield from _stored(outline, function, handler, statement, target, name)
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            call = statement.value
            if isinstance(call.func, ast.Attribute) and call.func.attr in _ADDERS:
                place = dotted(call.func.value)
                if (
                    place is not None
                    and any(_holds(item, name) for item in call.args)
                    and not _stripped(body, handler, name)
                    and _is_kept(outline, function, place)
                ):
                    yield _kept(statement, name, place, handler.lineno, 0.5)


def _stored(
    outline: Outline,
    function: Definition,
    handler: ast.ExceptHandler,
    statement: ast.Assign,
    target: ast.expr,
    name: str,
) -> Iterator[Retention]:
    body = function.body
    if _stripped(body, handler, name):
        return
    if isinstance(target, ast.Name):
        if body.function_of(statement) is body.function_of(handler):
            yield from _local(body, statement, target.id, name)
        return
    place = dotted(target.value if isinstance(target, ast.Subscript) else target)
    if place is None or not _is_kept(outline, function, place):
        return
    if isinstance(target, ast.Attribute) and _reset(outline, target.attr):
        return
    if place != name and not place.startswith(f"{name}."):
        yield _kept(statement, name, place, handler.lineno, 0.4)


def _kept(statement: ast.stmt, name: str, place: str, line: int, confidence: float) -> Retention:
    return Retention(
        STORED,
        statement,
        f"{place} keeps the exception {name} with its traceback, and so every variable of the "
        "frames that it passed",
        "exception",
        confidence,
        steps=((line, f"{name} is caught here"), (statement.lineno, f"{place} outlives the frame")),
    )


def _local(body: Body, statement: ast.Assign, kept: str, name: str) -> Iterator[Retention]:
    """Report a variable of the frame that keeps an exception whose traceback keeps the frame."""
    function = body.function_of(statement)
    raised = [
        node
        for node in body.every(ast.Raise)
        if isinstance(node.exc, ast.Name)
        and node.exc.id == kept
        and body.function_of(node) is function
    ]
    if not raised or _let_go(body, kept, statement):
        return
    yield Retention(
        LOCAL,
        statement,
        f"{kept} keeps the exception {name} while its traceback keeps this frame: a reference "
        "cycle that lives until the garbage collector finds it",
        "cycle",
        0.4,
        steps=(
            (statement.lineno, f"{kept} outlives the except clause"),
            (raised[0].lineno, f"{kept} is raised and never deleted"),
        ),
    )


def _frames(outline: Outline, function: Definition) -> Iterator[Retention]:
    body = function.body
    for statement in body.every(ast.Assign):
        call = statement.value
        attribute = ""
        if isinstance(call, ast.Attribute) and call.attr == "__traceback__":
            attribute = call.attr
        index = None
        if isinstance(call, ast.Subscript):
            index, call = call.slice, call.value
        if not attribute and not isinstance(call, ast.Call):
            continue
        qualified = outline.qualify(call.func) if isinstance(call, ast.Call) else None
        target = statement.targets[0]
        if qualified == "sys.exc_info":
            kept = _traceback_target(target, index)
            what = "the traceback"
            if body.handler_of(statement) is None:
                continue
        elif qualified in _FRAMES and isinstance(call, ast.Call) and _own_frame(call):
            kept = target.id if isinstance(target, ast.Name) else None
            what = "its own frame"
        else:
            continue
        if kept is None or _let_go(body, kept, statement) or _rebound(body, kept, statement):
            continue
        yield Retention(
            LOCAL,
            statement,
            f"{kept} keeps {what}, which keeps {kept}: a reference cycle that lives until the "
            "garbage collector finds it",
            "cycle",
            0.3,
            steps=((statement.lineno, f"{kept} is never deleted"),),
        )


def _own_frame(call: ast.Call) -> bool:
    return not call.args or (isinstance(call.args[0], ast.Constant) and call.args[0].value == 0)


def _traceback_target(target: ast.expr, index: ast.expr | None) -> str | None:
    if isinstance(target, ast.Tuple) and index is None and len(target.elts) == 3:
        target = target.elts[2]
    elif index is not None and not (isinstance(index, ast.Constant) and index.value == 2):
        return None
    if isinstance(target, ast.Name) and target.id.strip("_"):
        return target.id
    return None


def _holds(value: ast.expr, name: str) -> bool:
    """Whether a value is the exception or a display around it."""
    if isinstance(value, ast.Name):
        return value.id == name
    if isinstance(value, (ast.Tuple, ast.List, ast.Set)):
        return any(_holds(item, name) for item in value.elts)
    if isinstance(value, ast.Dict):
        return any(_holds(item, name) for item in value.values)
    return False


def _stripped(body: Body, handler: ast.ExceptHandler, name: str) -> bool:
    """Whether the traceback is taken off, or its frames are emptied."""
    for node in ast.walk(handler):
        if isinstance(node, ast.Attribute) and node.attr in ("with_traceback", "clear_frames"):
            return True
        if (
            isinstance(node, ast.Attribute)
            and node.attr == "__traceback__"
            and isinstance(node.ctx, ast.Store)
            and dotted(node.value) == name
        ):
            return True
    return any(last_name(call.func) == "clear_frames" for call in body.calls)


def _is_kept(outline: Outline, function: Definition, place: str) -> bool:
    """Whether a container or an attribute outlives the function."""
    root, _, rest = place.partition(".")
    if rest:
        return root == function.self_name or (
            function.self_name is None and root in _globals(outline)
        )
    return root in _globals(outline) and not any(
        node.id == root and isinstance(node.ctx, ast.Store)
        for node in function.body.every(ast.Name)
    )


def _globals(outline: Outline) -> set[str]:
    return {
        target.id
        for statement in outline.statements
        if isinstance(statement, (ast.Assign, ast.AnnAssign))
        for target in (
            statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        )
        if isinstance(target, ast.Name)
    }


def _reset(outline: Outline, attribute: str) -> bool:
    """Whether some statement of the file, outside of a constructor, empties the attribute."""
    pattern = re.compile(
        rb"(?:\bdel +[\w.]*\.%(n)s\b|\.%(n)s *(?:, *[\w.]+ *)*= *(?:[\w.]+ *= *)*None\b)"
        % {b"n": re.escape(attribute.encode())}
    )
    for match in pattern.finditer(outline.source.data):
        function = outline.function_at(outline.line_of(match.start()))
        if function is not None and function.node.name != "__init__":
            return True
    return False


def _let_go(body: Body, name: str, statement: ast.stmt) -> bool:
    """Whether the function deletes a variable, or sets it to None after the statement."""
    function = body.function_of(statement)
    for node in body.nodes:
        if isinstance(node, ast.Delete):
            if any(isinstance(item, ast.Name) and item.id == name for item in node.targets):
                return True
        elif (
            isinstance(node, ast.Assign)
            and node.lineno > statement.lineno
            and isinstance(node.value, ast.Constant)
            and node.value.value is None
            and any(isinstance(item, ast.Name) and item.id == name for item in node.targets)
            and body.function_of(node) is function
        ):
            return True
    return False


def _rebound(body: Body, name: str, statement: ast.stmt) -> bool:
    return any(
        node.id == name and isinstance(node.ctx, ast.Store) and node.lineno > statement.lineno
        for node in body.every(ast.Name)
    )


def _statements(block: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Give the statements of a block and below, without those of nested functions and classes."""
    stack = list(reversed(block))
    while stack:
        statement = stack.pop()
        yield statement
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        below: list[ast.stmt] = []
        for part in ("body", "orelse", "finalbody"):
            below.extend(getattr(statement, part, []))
        for handler in getattr(statement, "handlers", []):
            below.extend(handler.body)
        stack.extend(reversed(below))
