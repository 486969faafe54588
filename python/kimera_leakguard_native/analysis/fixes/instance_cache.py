"""A method without arguments that the class's cache remembers is remembered by the instance.

The method keeps its name and stays a method; what it did moves to a private one, whose name the
compiler makes the class's own, so that a subclass with a cache of the same name is not disturbed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator  # noqa: TC003 - part of the public signature
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.fixes.moved_block import lines_of
from kimera_leakguard_native.analysis.fixes.proposal import Proposal
from kimera_leakguard_native.analysis.fixes.splice import Splice

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.fixes.spot import Spot

_WITHOUT_DICT = ("NamedTuple", "Enum", "__slots__", "slots=True")


def propose(spot: Spot) -> Iterator[Proposal]:
    """Give the edits for a cache decorator on a method that takes nothing but self."""
    method, document = spot.function, spot.document
    if not isinstance(method, ast.FunctionDef) or len(spot.parents) < 2:
        return
    owner = spot.parents[spot.parents.index(method) + 1]
    if not isinstance(owner, ast.ClassDef) or not _is_simple(spot, method, owner):
        return
    decorator, name = method.decorator_list[0], method.name.strip("_")
    prefix, unit = document.indentation(method), document.unit
    place = document.text.index(method.name, document.start(method) + len("def "))
    instance, inner = method.args.args[0].arg, f"__compute_{name}"
    returns = "" if method.returns is None else f" -> {document.source(method.returns)}"
    key = f'"_{owner.name.strip("_")}_{name}"'
    text = lines_of(
        document,
        f"{prefix}def {method.name}({instance}){returns}:",
        f"{prefix}{unit}if {key} not in vars({instance}):",
        f"{prefix}{unit}{unit}vars({instance})[{key}] = {instance}.{inner}()",
        f"{prefix}{unit}return vars({instance})[{key}]",
        "",
    )
    start = document.line_start(decorator.lineno)
    end = document.line_end(decorator.end_lineno or decorator.lineno)
    yield Proposal(
        "let the instance remember the result",
        (Splice(start, end, text), Splice(place, place + len(method.name), inner)),
    )


def _is_simple(spot: Spot, method: ast.FunctionDef, owner: ast.ClassDef) -> bool:
    """Whether the method has one decorator and one argument, and the instance a dictionary."""
    arguments = method.args
    alone = len(arguments.args) == 1 and not (
        arguments.posonlyargs or arguments.kwonlyargs or arguments.vararg or arguments.kwarg
    )
    if not alone or len(method.decorator_list) != 1:
        return False
    decorator = method.decorator_list[0]
    if (decorator.end_lineno or decorator.lineno) >= method.lineno:
        return False
    text = spot.document.source(owner)
    head = " ".join(ast.unparse(item) for item in (*owner.bases, *owner.decorator_list))
    return not any(word in text or word in head for word in _WITHOUT_DICT) and (
        f"{method.name}.cache_" not in spot.document.text
        and f"{method.name}.__wrapped__" not in spot.document.text
    )
