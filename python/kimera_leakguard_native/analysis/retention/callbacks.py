"""Callbacks that hold the very object they are registered on."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.body import free_names, parameters
from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.outline import dotted, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.body import Body
    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

CAPTURES = "KLG412"
FINALIZER = "KLG413"

_WORDS = (b"callback(", b"Callback", b"_future(", b"_listener(", b"_observer(", b"finalize(")
_HINT = re.compile(
    rb"\.add_done_callback\(|callback\(|\.add_future\(|\.add_listener\(|\.addCallbacks?\(|\.addBoth\("
    rb"|\.add_observer\(|\.addErrback\(|finalize\("
)
_REGISTERS = re.compile(
    r"^(add_?)?(\w*_)?(done_)?callbacks?$|^add_future$|^add_(listener|observer)$"
    r"|^add(Callbacks?|Both|Errback)$",
)
_OTHER = re.compile(r"^self$|^cls$|loop$")
"""Loops run a callback once and drop it; what an instance keeps of itself is no accident."""

_HELPERS = re.compile(r"add_(done_)?callback$|^add_future$")


def find(outline: Outline) -> Iterator[Retention]:
    """Look at the functions that register callbacks."""
    if not any(word in outline.source.data for word in _WORDS):
        return
    offsets = (match.start() for match in _HINT.finditer(outline.source.data))
    for function in outline.functions_at(offsets):
        for call in function.body.calls:
            name = last_name(call.func)
            if name == "finalize":
                yield from _finalizer(outline, function, call)
            elif name is not None and _REGISTERS.search(name):
                yield from _registration(function, call, name)


def _registration(function: Definition, call: ast.Call, name: str) -> Iterator[Retention]:
    for subject, candidates in _subjects(call, name):
        for candidate in candidates:
            holder = _holder(function.body, call, candidate, subject)
            if holder is None:
                continue
            what, line = holder
            yield Retention(
                CAPTURES,
                call,
                f"{what} is registered on {subject} and holds {subject}: a reference cycle",
                "cycle",
                0.6,
                steps=(
                    (line, f"{what} takes {subject} from around it"),
                    (call.lineno, f"{subject} keeps the callback"),
                ),
            )
            return


def _subjects(call: ast.Call, name: str) -> Iterator[tuple[str, list[ast.expr]]]:
    """Give what a call registers on, as text, with the arguments that may be the callback."""
    arguments = [*call.args, *(item.value for item in call.keywords)]
    if isinstance(call.func, ast.Attribute):
        receiver = call.func.value
        if isinstance(receiver, ast.Name) and not _OTHER.search(receiver.id):
            yield receiver.id, arguments
    if _HELPERS.search(name) and len(arguments) > 1 and isinstance(arguments[0], ast.Name):
        yield arguments[0].id, arguments[1:]


def _holder(
    body: Body, call: ast.Call, candidate: ast.expr, subject: str
) -> tuple[str, int] | None:
    """Say which callable among the arguments holds the subject, and where it is made."""
    if isinstance(candidate, ast.Lambda):
        return ("the lambda", candidate.lineno) if subject in free_names(candidate) else None
    if isinstance(candidate, ast.Call) and last_name(candidate.func) == "partial":
        held = [*candidate.args[1:], *(item.value for item in candidate.keywords)]
        if any(isinstance(item, ast.Name) and item.id == subject for item in held):
            return "the partial", candidate.lineno
        if candidate.args:
            return _holder(body, call, candidate.args[0], subject)
        return None
    if not isinstance(candidate, ast.Name):
        return None
    around = [body.function_of(call), *body.around(body.function_of(call)), body.root]
    for node in body.nodes:
        if (
            isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            and node.name == candidate.id
            and body.function_of(node) in around
            and subject in free_names(node)
            and _is_variable_of(body, node, subject)
        ):
            return f"{node.name}()", node.lineno
    return None


def _is_variable_of(body: Body, node: ast.AST, name: str) -> bool:
    """Whether a name that a nested function uses is a variable of a function around it."""
    for item in body.around(node):
        if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)) and name in parameters(item):
            return True
    return any(
        isinstance(item, ast.Name) and item.id == name and isinstance(item.ctx, ast.Store)
        for item in body.nodes
    )


def _is_bound(function: Definition, name: str) -> bool:
    """Whether a method of the same class takes the instance; an inherited one is not known."""
    found = function.owner.methods.get(name) if function.owner is not None else None
    return (
        found is not None and found.self_name is not None and "property" not in found.decorators()
    )


def _finalizer(outline: Outline, function: Definition, call: ast.Call) -> Iterator[Retention]:
    """`weakref.finalize` keeps its callback and arguments: they must not lead to the object."""
    if outline.qualify(call.func) != "weakref.finalize" or len(call.args) < 2:
        return
    subject = dotted(call.args[0])
    if subject is None:
        return
    callback, held = call.args[1], [*call.args[2:], *(item.value for item in call.keywords)]
    method = (
        isinstance(callback, ast.Attribute)
        and dotted(callback.value) == subject
        and (subject != function.self_name or _is_bound(function, callback.attr))
    )
    nested = _holder(function.body, call, callback, subject) is not None
    if method or nested or any(dotted(item) == subject for item in held):
        yield Retention(
            FINALIZER,
            call,
            f"the finalizer of {subject} holds {subject} itself, so it never dies",
            "cycle",
            0.9,
            evident=True,
            steps=((call.lineno, "weakref.finalize keeps its callback and arguments until exit"),),
        )
