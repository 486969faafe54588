"""Hooks of torch modules whose handle is lost."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.body import free_names
from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.outline import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

CODE = "KLG312"

_REGISTRATION = re.compile(
    rb"register_(?:module_)?(?:full_)?(?:forward|backward|state_dict)_?(?:pre_|post_)?hook\("
    rb"|register_(?:module_)?(?:forward|full_backward)_pre_hook\("
    rb"|\.register_(?:post_accumulate_grad_)?hook\("
)
_NAME = re.compile(r"^register_(module_)?(full_)?(forward|backward|state_dict)_?(pre_|post_)?hook$")
_ON_TENSOR = frozenset({"register_hook", "register_post_accumulate_grad_hook"})
_LEAF = re.compile(r"param|weight|^p$|bias", re.IGNORECASE)
_REMOVAL = re.compile(rb"\.remove\(\)|remove_hooks?\(|\.handles?\b[^\n]*remove")


def find(outline: Outline) -> Iterator[Retention]:
    """Look for registrations whose handle is dropped, or kept in a file that removes none."""
    data = outline.source.data
    removes = _REMOVAL.search(data) is not None
    offsets = (match.start() for match in _REGISTRATION.finditer(data))
    for function in outline.functions_at(offsets):
        for call in function.body.calls:
            if not isinstance(call.func, ast.Attribute):
                continue
            on_tensor = call.func.attr in _ON_TENSOR and b"torch" in data
            if not on_tensor and not _NAME.match(call.func.attr):
                continue
            statement = function.body.statement_of(call)
            if on_tensor and not (_is_leaf(function, call.func.value) and _holds(function, call)):
                continue
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


def _is_leaf(function: Definition, receiver: ast.expr) -> bool:
    """Whether a hook's tensor lives on: a parameter, or the node that accumulates its gradient.

    Hooks of other tensors die with the graph of their batch.
    """
    name = dotted(receiver) or ""
    if _LEAF.search(name.rpartition(".")[2]):
        return True
    return any(
        dotted(target) == name and "next_functions" in ast.unparse(node.value)
        for node in function.body.every(ast.Assign)
        for target in node.targets
    )


def _holds(function: Definition, call: ast.Call) -> bool:
    """Whether the hook keeps the instance that registers it."""
    instance = function.self_name
    if instance is None or not call.args:
        return False
    hook = call.args[0]
    if isinstance(hook, ast.Lambda):
        return instance in free_names(hook)
    if isinstance(hook, ast.Name):
        return any(
            node.name == hook.id and instance in free_names(node)
            for node in function.body.every(ast.FunctionDef)
        )
    return any(isinstance(item, ast.Name) and item.id == instance for item in ast.walk(hook))


def _own(function: Definition, receiver: ast.expr) -> bool:
    """Whether an instance hooks itself or its own parts while it is made."""
    name = dotted(receiver) or ""
    root = name.partition(".")[0]
    made_here = function.node.name in ("__init__", "__new__", "setup", "build")
    return bool(root) and root == function.self_name and made_here
