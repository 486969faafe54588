"""Tasks that nobody ends: what `asyncio.wait` leaves pending, loops that outlive their owner."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.outline import dotted, last_name
from kimera_leakguard_native.analysis.retention.task_calls import bound_tasks, starts_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import (
        ClassOutline,
        Definition,
        Outline,
    )

CODE = "KLG402"

_WAIT = re.compile(rb"\bwait\(")
_STORED = re.compile(rb"self\.(\w+)(?:: ?[^=\n]+)? = [^\n]*\b(?:create_task|ensure_future)\b")
_EARLY = frozenset({"FIRST_COMPLETED", "FIRST_EXCEPTION"})
_LOOKS = frozenset({"done", "result", "exception", "cancelled", "get_name", "set_name"})
_PAUSES = frozenset({"asyncio.sleep", "anyio.sleep", "trio.sleep"})
_ENDS = re.compile(
    r"^_*(a?close|stop|shutdown|shut_down|disconnect|terminate|dispose|cleanup|teardown|finish)$"
    r"|^__a?exit__$"
)


def find(outline: Outline) -> Iterator[Retention]:
    """Look at the functions that wait for several tasks, and at classes that keep one."""
    data = outline.source.data
    if b"asyncio" not in data:
        return
    for function in outline.functions_at(match.start() for match in _WAIT.finditer(data)):
        for call in function.body.calls:
            if outline.qualify(call.func) == "asyncio.wait" and call.args and _early(call):
                yield from _left_by_wait(outline, function, call)
    yield from _endless(outline)


def _early(call: ast.Call) -> bool:
    """Whether a wait may end before its tasks do."""
    for item in call.keywords:
        if item.arg == "timeout" and not _is_none(item.value):
            return True
        if item.arg == "return_when" and last_name(item.value) in _EARLY:
            return True
    return False


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _left_by_wait(outline: Outline, function: Definition, call: ast.Call) -> Iterator[Retention]:
    body = function.body
    if not isinstance(body.parents.get(call), ast.Await) or _takes_pending(function, call):
        return
    waited = call.args[0]
    if isinstance(waited, ast.Name):
        waited = _display_of(function, waited.id) or waited
    tasks = bound_tasks(outline, function)
    items = getattr(waited, "elts", [])
    if isinstance(waited, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
        items = [waited.elt]
    for item in items:
        if starts_task(outline, item):
            started: ast.expr | ast.stmt = item
        elif isinstance(item, ast.Name) and item.id in tasks and not _taken(function, item, call):
            started = tasks[item.id][-1]
            if len(tasks[item.id]) > 1:
                continue
        else:
            continue
        if _only_sleeps(outline, started):
            continue
        repeated = body.loop_of(call)
        yield Retention(
            CODE,
            started,
            "the task goes on after wait() returns with another one: nothing cancels it or waits "
            "for it",
            "task",
            0.85,
            evident=True,
            tier="D",
            steps=(
                (started.lineno, "the task is started here"),
                (call.lineno, "wait() may end first, and what is pending is not looked at"),
                *([(repeated.lineno, "each pass starts new ones")] if repeated else []),
            ),
        )
        return


def _only_sleeps(outline: Outline, started: ast.AST) -> bool:
    """Whether a task is a pause, which comes to its end by itself."""
    return any(
        isinstance(node, ast.Call) and outline.qualify(node.func) in _PAUSES
        for node in ast.walk(started)
    )


def _takes_pending(function: Definition, call: ast.Call) -> bool:
    """Whether the set of pending tasks that a wait returns is used."""
    statement = function.body.statement_of(call)
    if isinstance(statement, ast.Expr):
        return False
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return True
    target = statement.targets[0]
    if not isinstance(target, ast.Tuple) or len(target.elts) != 2:
        return True
    pending = target.elts[1]
    if not isinstance(pending, ast.Name):
        return True
    return any(
        node.id == pending.id and isinstance(node.ctx, ast.Load)
        for node in function.body.every(ast.Name)
    )


def _display_of(function: Definition, name: str) -> ast.expr | None:
    """Give the list or set that a variable is, if it is only ever waited for."""
    values = [
        node.value
        for node in function.body.every(ast.Assign)
        if any(isinstance(item, ast.Name) and item.id == name for item in node.targets)
    ]
    loads = sum(
        node.id == name and isinstance(node.ctx, ast.Load) for node in function.body.every(ast.Name)
    )
    return values[0] if len(values) == 1 and loads == 1 else None


def _taken(function: Definition, waited: ast.Name, wait: ast.Call) -> bool:
    """Whether anything but a look is done to a task besides waiting for it with others."""
    body = function.body
    for node in body.every(ast.Name):
        if node.id != waited.id or not isinstance(node.ctx, ast.Load):
            continue
        if wait in body.around(node):
            continue
        parent = body.parents[node]
        if isinstance(parent, ast.Compare):
            continue
        if isinstance(parent, ast.Attribute) and parent.attr in _LOOKS:
            continue
        return True
    # A task that is started before the loop of its wait is waited for again.
    loop = body.loop_of(wait)
    starts = [item for item in _starts(function, waited.id) if body.loop_of(item) is loop]
    return not starts


def _starts(function: Definition, name: str) -> list[ast.Assign]:
    """Give the assignments to a variable."""
    return [
        node
        for node in function.body.every(ast.Assign)
        if any(isinstance(item, ast.Name) and item.id == name for item in node.targets)
    ]


def _endless(outline: Outline) -> Iterator[Retention]:
    """Look for `self.x = create_task(self.forever())` in a class whose close() forgets it."""
    data = outline.source.data
    for match in _STORED.finditer(data):
        function = outline.function_at(outline.line_of(match.start()))
        if function is None or function.owner is None:
            continue
        name = match[1].decode()
        closer = next((item for item in function.owner.methods if _ENDS.search(item)), None)
        if closer is None or _mentioned(outline, name, match.start()):
            continue
        for node in function.body.every(ast.Assign):
            runner = _runner(outline, function.owner, node, f"{function.self_name}.{name}")
            if runner is None:
                continue
            yield Retention(
                CODE,
                node,
                f"{closer}() does not cancel the task {name}, and {runner.node.name}() never "
                "returns: it goes on after its owner is closed",
                "task",
                0.7,
                evident=True,
                tier="D",
                steps=(
                    (node.lineno, "the task is started here"),
                    (runner.node.lineno, f"{runner.node.name}() is an endless loop"),
                    (function.owner.methods[closer].node.lineno, f"{closer}() leaves it running"),
                ),
                unless_shrunk=((None, name),),
            )


def _mentioned(outline: Outline, name: str, stored: int) -> bool:
    """Whether anything reads the attribute; binding it, and asking whether it is set, is no use."""
    for match in re.finditer(rb"\.%b\b" % re.escape(name.encode()), outline.source.data):
        line = outline.line_of(match.start())
        if line == outline.line_of(stored):
            continue
        function = outline.function_at(line)
        if function is None:
            return True
        for node in function.body.every(ast.Attribute):
            if node.attr == name and node.lineno == line and isinstance(node.ctx, ast.Load):
                parent = function.body.parents[node]
                looks = isinstance(parent, ast.Attribute) and parent.attr in _LOOKS
                tests = isinstance(parent, (ast.If, ast.Compare, ast.BoolOp, ast.UnaryOp))
                if not (looks or tests):
                    return True
    return False


def _runner(
    outline: Outline, owner: ClassOutline, node: ast.Assign, place: str
) -> Definition | None:
    """Give the endless method of the same class that a statement starts as a task."""
    if dotted(node.targets[0]) != place or not starts_task(outline, node.value):
        return None
    assert isinstance(node.value, ast.Call)  # it starts a task
    for argument in node.value.args:
        if isinstance(argument, ast.Call) and isinstance(argument.func, ast.Attribute):
            method = owner.methods.get(argument.func.attr)
            if method is not None and _never_returns(method):
                return method
    return None


def _never_returns(method: Definition) -> bool:
    for loop in method.body.every(ast.While):
        if (
            isinstance(loop.test, ast.Constant)
            and loop.test.value
            and method.body.function_of(loop) is method.node
            and not any(
                isinstance(node, (ast.Return, ast.Break, ast.Raise)) for node in ast.walk(loop)
            )
        ):
            return True
    return False
