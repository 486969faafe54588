"""Tasks that a class lets go on at its end, where it cancels what it keeps beside them."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.outline import dotted
from kimera_leakguard_native.analysis.retention.task_calls import WORDS, starts_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import (
        ClassOutline,
        Definition,
        Outline,
    )

CODE = "KLG402"

_ENDS = re.compile(
    r"^_*(a?close|stop|shutdown|shut_down|disconnect|terminate|dispose|cleanup|teardown|finish)$"
    r"|^__a?exit__$|^connection_lost$"
)


def find(outline: Outline) -> Iterator[Retention]:
    """Look at the attributes that methods bind to a task they start."""
    data = outline.source.data
    if b".cancel()" not in data or WORDS.search(data) is None:
        return
    for owner in outline.classes:
        ending = next((one for name, one in owner.methods.items() if _ENDS.search(name)), None)
        if ending is None or ending.self_name is None:
            continue
        cancelled = _cancelled(ending)
        if not cancelled:
            continue
        reached = _reached(owner, ending)
        for method in owner.methods.values():
            yield from _left(outline, method, ending, (cancelled, reached))


def _left(
    outline: Outline,
    method: Definition,
    ending: Definition,
    handled: tuple[dict[str, int], set[str]],
) -> Iterator[Retention]:
    cancelled, reached = handled
    assert method.owner is not None  # found in a class
    for node in method.body.every(ast.Assign):
        place = dotted(node.targets[0])
        if place is None or not place.startswith(f"{method.self_name}.") or place.count(".") > 1:
            continue
        name = place.partition(".")[2]
        if name in cancelled or name in reached or not starts_task(outline, node.value):
            continue
        elsewhere = next(
            (
                one
                for one in method.owner.methods.values()
                if one is not ending and name in _cancelled(one)
            ),
            None,
        )
        if elsewhere is None:
            # Nothing says that it needs an end of its own.
            continue
        sibling, line = next(iter(cancelled.items()))
        yield Retention(
            CODE,
            node,
            f"{ending.node.name}() cancels {sibling}, and lets the task {name} go on after its "
            "owner has ended",
            "task",
            0.7,
            evident=True,
            tier="D",
            steps=(
                (node.lineno, "the task is started here"),
                (line, f"{sibling} is cancelled, {name} is not"),
                (elsewhere.node.lineno, f"{elsewhere.node.name}() does cancel {name}"),
            ),
            unless_shrunk=((None, name),),
        )


def _cancelled(method: Definition) -> dict[str, int]:
    """Give the attributes of the instance that a method cancels, with the lines."""
    found: dict[str, int] = {}
    for call in method.body.calls:
        place = dotted(call.func) or ""
        root, *names = place.split(".")
        if root == method.self_name and names[1:] == ["cancel"]:
            found.setdefault(names[0], call.lineno)
    return found


def _reached(owner: ClassOutline, ending: Definition) -> set[str]:
    """Give the attributes of the instance that a method, and what it calls of its own, mention."""
    names: set[str] = set()
    pending, seen = [ending], {ending}
    while pending:
        method = pending.pop()
        for node in method.body.every(ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id == method.self_name:
                names.add(node.attr)
                below = owner.methods.get(node.attr)
                if below is not None and below not in seen:
                    seen.add(below)
                    pending.append(below)
    return names
