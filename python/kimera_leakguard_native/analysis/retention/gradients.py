"""Tensors of torch that are kept together with the graph that computed them."""

from __future__ import annotations

import ast
import re
from functools import cached_property
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.outline import dotted, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

SUMMED = "KLG310"
COLLECTED = "KLG311"
KEPT_GRAPH = "KLG313"

_HINT = re.compile(rb"\.append\(|\+= |\.backward\(|[\"']\w*loss\w*[\"'] *:|= \w+ \+ ")
_LOSS = re.compile(r"loss|criterion|cross_entropy|^nll|^mse$|_nll$|objective", re.IGNORECASE)
_MODEL = re.compile(r"^(model|net|network|module|encoder|decoder|generator|discriminator|forward)$")
_LOGS = re.compile(
    r"log(?!it)|metric|stats|record|history|monitor|summary|meter|tracker", re.IGNORECASE
)
_EVALUATES = re.compile(
    r"^_*(eval|valid|test|predict|infer|extract|encode_all|embed|score|visuali)"
)
_DETACHES = frozenset(
    {"item", "detach", "detach_", "tolist", "numpy", "float", "int", "data", "no_grad"}
    | {"argmax", "argsort", "size", "numel", "dim", "shape", "eq", "ne", "long", "bool", "topk"}
)
_KEEPS_GRAPH = frozenset(
    {"mean", "sum", "cpu", "cuda", "to", "clone", "view", "reshape", "squeeze", "unsqueeze", "abs"}
    | {"sqrt", "exp", "log", "half", "double", "contiguous", "flatten", "softmax", "sigmoid"}
)
_NO_GRAPH = frozenset({"no_grad", "inference_mode", "set_grad_enabled"})


def find(outline: Outline) -> Iterator[Retention]:
    """Look at the functions of files that use torch."""
    data = outline.source.data
    if b"torch" not in data and b"lightning" not in data:
        return
    offsets = (match.start() for match in _HINT.finditer(data))
    for function in outline.functions_at(offsets):
        if _NO_GRAPH & set(function.decorators()):
            continue
        tensors = _Tensors(function)
        if tensors.graph:
            yield from _summed(function, tensors)
            yield from _collected(function, tensors)
            yield from _logged(function, tensors)
        yield from _graph_kept(function)


class _Tensors:
    """Which variables of a function hold a tensor with its graph."""

    def __init__(self, function: Definition) -> None:
        self._function = function
        self.backward: set[str] = set()
        for call in function.body.calls:
            name = last_name(call.func)
            if name == "backward" and isinstance(call.func, ast.Attribute):
                self.backward |= _names(call.func.value)
            if name in ("backward", "manual_backward", "stack", "cat") and call.args:
                self.backward |= _names(call.args[0])
        self.backward -= {"self", "scaler", "accelerator", "amp", "torch", "fabric", "engine"}
        self.graph: set[str] = set()
        detached: set[str] = set()
        for node in function.body.every(ast.Assign):
            for target in node.targets:
                elements = target.elts if isinstance(target, ast.Tuple) else [target]
                names = {item.id for item in elements if isinstance(item, ast.Name)}
                if self._computes(node.value):
                    # The first of several results is the loss or the output.
                    self.graph |= names if len(elements) == 1 else _losses(names)
                elif _lets_go(node.value):
                    detached |= names
        self.graph = (self.graph | (self.backward & self._locals)) - detached

    @cached_property
    def _locals(self) -> set[str]:
        return {
            node.id
            for node in self._function.body.every(ast.Name)
            if isinstance(node.ctx, ast.Store)
        }

    def _computes(self, value: ast.expr) -> bool:
        if isinstance(value, ast.BinOp):
            return self._computes(value.left) or self._computes(value.right)
        if isinstance(value, ast.Subscript):
            return self._computes(value.value)
        if not isinstance(value, ast.Call):
            return False
        name = last_name(value.func) or ""
        if name in _KEEPS_GRAPH and isinstance(value.func, ast.Attribute):
            return self._computes(value.func.value)
        if isinstance(value.func, ast.Name) and value.func.id == "self":
            return True
        return name not in _DETACHES and bool(_LOSS.search(name) or _MODEL.match(name))

    def of(self, value: ast.expr) -> str | None:
        """Name the variable whose graph a value keeps; None if it keeps none."""
        if isinstance(value, ast.Name):
            return value.id if value.id in self.graph else None
        if isinstance(value, ast.BinOp):
            return self.of(value.left) or self.of(value.right)
        if isinstance(value, (ast.Tuple, ast.List)):
            return next((name for item in value.elts if (name := self.of(item))), None)
        if isinstance(value, ast.Dict):
            return next((name for item in value.values if (name := self.of(item))), None)
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
            return self.of(value.func.value) if value.func.attr in _KEEPS_GRAPH else None
        return None


def _summed(function: Definition, tensors: _Tensors) -> Iterator[Retention]:
    """Look for `total += loss` in a loop."""
    target: ast.expr
    for node in function.body.nodes:
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
            target, value = node.target, node.value
        elif (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.BinOp)
            and isinstance(node.value.op, ast.Add)
            and dotted(node.targets[0]) is not None
            and dotted(node.targets[0]) == dotted(node.value.left)
        ):
            target, value = node.targets[0], node.value.right
        else:
            continue
        loop = function.body.loop_of(node)
        name = tensors.of(value)
        total = dotted(target.value if isinstance(target, ast.Subscript) else target)
        if loop is None or name is None or total is None or _without_graph(function, node):
            continue
        if total in tensors.backward or total.rpartition(".")[2] == name:
            continue
        trained = name in tensors.backward and _runs_backward(loop)
        if not trained and not _EVALUATES.match(function.node.name):
            continue
        yield Retention(
            SUMMED,
            node,
            f"{total} adds up {name} with its graph: every pass of the loop keeps the graph of all "
            "passes before",
            "gradient",
            0.9 if trained else 0.5,
            evident=trained and "." not in total,
            steps=(
                (loop.lineno, "each pass computes a new graph"),
                (node.lineno, f"{name} is neither detached nor turned into a number"),
            ),
        )


def _collected(function: Definition, tensors: _Tensors) -> Iterator[Retention]:
    """Look for `losses.append(loss)` in a loop, or in a step that a trainer calls in one."""
    for call in function.body.calls:
        if not (isinstance(call.func, ast.Attribute) and call.func.attr == "append" and call.args):
            continue
        receiver = call.func.value
        kept = dotted(receiver.value if isinstance(receiver, ast.Subscript) else receiver)
        name = tensors.of(call.args[0])
        if kept is None or name is None or kept in tensors.backward:
            continue
        if _without_graph(function, call):
            continue
        loop = function.body.loop_of(call)
        trained = loop is not None and name in tensors.backward and _runs_backward(loop)
        evaluates = loop is not None and _EVALUATES.match(function.node.name)
        own = function.self_name
        step = own is not None and kept.startswith(f"{own}.")
        if not (trained or evaluates or (step and (loop is not None or _is_step(function)))):
            continue
        yield Retention(
            COLLECTED,
            function.body.statement_of(call),
            f"{kept} collects {name} with its graph, for as long as {kept} lives",
            "gradient",
            0.8 if trained else 0.45,
            steps=(
                *([(loop.lineno, "each pass computes a new graph")] if loop is not None else []),
                (call.lineno, f"{name} is neither detached nor turned into a number"),
            ),
        )


def _logged(function: Definition, tensors: _Tensors) -> Iterator[Retention]:
    """Look for `logs = {"loss": loss}` beside a loss that is returned or differentiated."""
    returned = {
        item.id
        for node in function.body.every(ast.Return)
        if node.value is not None
        for item in (node.value.elts if isinstance(node.value, ast.Tuple) else [node.value])
        if isinstance(item, ast.Name)
    }
    for node in function.body.every(ast.Assign):
        target = node.targets[0]
        place = dotted(target.value if isinstance(target, ast.Subscript) else target)
        if place is None or not _LOGS.search(place) or _without_graph(function, node):
            continue
        if isinstance(node.value, ast.Dict):
            values = node.value.values
        elif isinstance(target, ast.Subscript):
            values = [node.value]
        else:
            continue
        for value in values:
            name = tensors.of(value)
            if name is None or not isinstance(value, ast.Name):
                continue
            if name in returned or name in tensors.backward:
                yield Retention(
                    COLLECTED,
                    value,
                    f"{place} takes {name} with its graph to whoever keeps the logs",
                    "gradient",
                    0.5,
                    steps=((value.lineno, f"{name} is neither detached nor turned into a number"),),
                )
                break


def _graph_kept(function: Definition) -> Iterator[Retention]:
    for call in function.body.calls:
        if last_name(call.func) != "backward" or not isinstance(call.func, ast.Attribute):
            continue
        loop = function.body.loop_of(call)
        keeps = any(
            item.arg == "retain_graph"
            and isinstance(item.value, ast.Constant)
            and item.value.value is True
            for item in call.keywords
        )
        if loop is None or not keeps:
            continue
        others = [
            other
            for other in function.body.calls
            if other is not call and last_name(other.func) in ("backward", "grad")
        ]
        if not others:
            yield Retention(
                KEPT_GRAPH,
                function.body.statement_of(call),
                "the graph is retained, and no second backward() uses it",
                "gradient",
                0.5,
                steps=((loop.lineno, "each pass of the loop computes a new graph"),),
            )


def _names(value: ast.expr) -> set[str]:
    found = {item.id for item in ast.walk(value) if isinstance(item, ast.Name)}
    return found | {name for item in ast.walk(value) if (name := _chain(item))}


def _chain(node: ast.AST) -> str | None:
    return dotted(node) if isinstance(node, ast.Attribute) else None


def _losses(names: set[str]) -> set[str]:
    return {name for name in names if _LOSS.search(name) or name in ("output", "outputs", "logits")}


def _lets_go(value: ast.expr) -> bool:
    return any(
        (isinstance(item, ast.Attribute) and item.attr in _DETACHES)
        or (isinstance(item, ast.Call) and last_name(item.func) in ("float", "int"))
        for item in ast.walk(value)
    )


def _without_graph(function: Definition, node: ast.AST) -> bool:
    return any(
        last_name(item.context_expr) in _NO_GRAPH
        for around in function.body.around(node)
        if isinstance(around, (ast.With, ast.AsyncWith))
        for item in around.items
    )


def _runs_backward(loop: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Call) and last_name(node.func) in ("backward", "manual_backward")
        for node in ast.walk(loop)
    )


def _is_step(function: Definition) -> bool:
    return (
        re.search(r"(_step|^forward|_batch_end|_epoch_end|^step)$", function.node.name) is not None
    )
