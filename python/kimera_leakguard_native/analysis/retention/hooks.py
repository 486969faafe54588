"""Hooks of torch modules whose handle is lost."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.outline import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

CODE = "KLG312"

_REGISTRATION = re.compile(
    rb"register_(?:module_)?(?:full_)?(?:forward|backward|state_dict)_?(?:pre_|post_)?hook\("
    rb"|register_(?:module_)?(?:forward|full_backward)_pre_hook\("
)
_NAME = re.compile(r"^register_(module_)?(full_)?(forward|backward|state_dict)_?(pre_|post_)?hook$")
_REMOVAL = re.compile(rb"\.remove\(\)|remove_hooks?\(|\.handles?\b[^\n]*remove")


def find(outline: Outline) -> Iterator[Retention]:
    """Look for registrations whose handle is dropped, or kept in a file that removes none."""
    data = outline.source.data
    removes = _REMOVAL.search(data) is not None
    offsets = (match.start() for match in _REGISTRATION.finditer(data))
    for function in outline.functions_at(offsets):
        for call in function.body.calls:
            if not isinstance(call.func, ast.Attribute) or not _NAME.match(call.func.attr):
                continue
            statement = function.body.statement_of(call)
            if _own(function, call.func.value):
                continue
            dropped = isinstance(statement, ast.Expr) and statement.value is call
            if not dropped and (removes or isinstance(statement, ast.Return)):
                continue
            subject = dotted(call.func.value) or "the module"
            yield Retention(
                CODE,
                call,
                f"the hook stays on {subject} for good: "
                + ("its handle is dropped" if dropped else "nothing removes its handle"),
                "hook",
                0.5 if dropped else 0.4,
                steps=((call.lineno, f"{call.func.attr}() returns the handle that removes it"),),
            )


def _own(function: Definition, receiver: ast.expr) -> bool:
    """Whether an instance hooks itself or its own parts while it is made."""
    name = dotted(receiver) or ""
    root = name.partition(".")[0]
    made_here = function.node.name in ("__init__", "__new__", "setup", "build")
    return bool(root) and root == function.self_name and made_here
