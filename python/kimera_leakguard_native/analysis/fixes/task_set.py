"""A task that nothing keeps goes into a set of the module, which it leaves when it is done."""

from __future__ import annotations

import ast
from collections.abc import Iterator  # noqa: TC003 - part of the public signature
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.fixes.moved_block import end_of, lines_of, missing_newline
from kimera_leakguard_native.analysis.fixes.proposal import Proposal
from kimera_leakguard_native.analysis.fixes.splice import Splice

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.fixes.spot import Spot

_SET = "_background_tasks"


def propose(spot: Spot) -> Iterator[Proposal]:
    """Give the edits for a call whose result is dropped."""
    if not spot.levels or spot.function is None:
        return
    node, document = spot.levels[0].statement, spot.document
    if not isinstance(node, ast.Expr) or node.value is not spot.node:
        return
    found = _set(spot)
    if found is None or not document.stands_alone(node):
        return
    tasks, needed = found
    task = spot.fresh("task", "background_task")
    prefix, start, end = document.indentation(node), document.start(node), end_of(document, node)
    yield Proposal(
        f"keep the task in `{tasks}` until it is done",
        (
            *needed,
            Splice(start, start, f"{task} = "),
            Splice(
                end,
                end,
                missing_newline(document, node)
                + lines_of(
                    document,
                    f"{prefix}{tasks}.add({task})",
                    f"{prefix}{task}.add_done_callback({tasks}.discard)",
                ),
            ),
        ),
    )


def _set(spot: Spot) -> tuple[str, tuple[Splice, ...]] | None:
    """Give the module's set of tasks, and the statement that makes it if there is none."""
    document, body = spot.document, spot.tree.body
    for statement in body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement) == f"{_SET} = set()":
            return _SET, ()
    name = spot.fresh(_SET)
    last = None
    for statement in body:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            last = statement
        elif not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            break
    if last is None or not document.stands_alone(last):
        return None
    place = end_of(document, last)
    return name, (Splice(place, place, lines_of(document, "", f"{name} = set()")),)
