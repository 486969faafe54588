"""Allocation sites as the historic summaries see them: whatever makes an object worth tracking."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.resources.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.names import ModuleScopes, Scope

_ARRAY_MODULES = ("torch", "numpy", "cupy")
_ARRAY_MAKERS = frozenset(
    {
        "tensor", "zeros", "ones", "randn", "empty", "rand", "full", "arange", "linspace", "eye",
        "cat", "stack", "array", "asarray", "concatenate", "zeros_like", "ones_like", "empty_like",
        "full_like", "random", "randint", "normal", "uniform", "vstack", "hstack",
        "standard_normal",
        "as_tensor", "from_numpy", "clone", "copy",
    }
)  # fmt: skip
_ARRAY_METHODS = frozenset({"cuda", "clone", "to"})
_CONTAINERS = frozenset(
    f"builtins.{name}" for name in ("list", "dict", "set", "bytearray", "tuple", "frozenset")
)
_HANDLE_METHODS = frozenset(
    {"allocate_field_slot", "allocate", "alloc_many", "acquire", "get_block"}
)
_FOREIGN = frozenset({"malloc", "calloc", "realloc"})
_ITEM_BYTES = {"torch": 4, "numpy": 8, "cupy": 8}
_DTYPE_BYTES = {
    "float16": 2, "half": 2, "bfloat16": 2, "float32": 4, "float": 4, "float64": 8, "double": 8,
    "int8": 1, "uint8": 1, "int16": 2, "int32": 4, "int64": 8, "bool": 1, "complex64": 8,
    "complex128": 16,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Allocation:
    """One allocating expression.

    Attributes
    ----------
    kind : str
        ``array``, ``container``, ``object``, ``handle`` or a kind of resource.
    size : int or None
        Bytes of an array with constant dimensions.
    """

    line: int
    column: int
    kind: str
    size: int | None
    node: ast.expr


def allocations_in(module: ModuleScopes, scope: Scope) -> list[Allocation]:
    """Find the allocating expressions of one function, without those nested in it."""
    found = []
    stack: list[ast.AST] = list(scope.body)
    inner: set[int] = set()
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            continue
        if isinstance(node, ast.expr) and id(node) not in inner:
            kind = _kind(module, scope, node)
            if kind is not None:
                size = _size(module, scope, node) if kind == "array" else None
                found.append(Allocation(node.lineno, node.col_offset, kind, size, node))
                if isinstance(node, ast.BinOp):
                    inner.add(id(node.left))
                    inner.add(id(node.right))
        stack.extend(ast.iter_child_nodes(node))
    return sorted(found, key=lambda item: (item.line, item.column))


def _kind(module: ModuleScopes, scope: Scope, node: ast.expr) -> str | None:
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp)):
        return "container"
    if isinstance(node, (ast.List, ast.Set, ast.Dict)):
        return "container" if isinstance(getattr(node, "ctx", ast.Load()), ast.Load) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        sides = (node.left, node.right)
        return "container" if any(isinstance(side, ast.List) for side in sides) else None
    return _kind_of_call(module, scope, node) if isinstance(node, ast.Call) else None


def _kind_of_call(module: ModuleScopes, scope: Scope, node: ast.Call) -> str | None:
    name = module.qualify(scope, node.func)
    if name is not None:
        acquisition = catalog().acquire.get(name)
        if acquisition is not None:
            return acquisition.kind
        if name in _CONTAINERS:
            return "container"
        root, last = name.partition(".")[0], name.rpartition(".")[2]
        if _array_module(name) is not None and last in _ARRAY_MAKERS:
            return "array"
        if last in _FOREIGN:
            return "handle"
        if root != "builtins" and last[:1].isupper() and not last.endswith(("Error", "Exception")):
            return "object"
        if _array_module(name) is not None:
            return None
    if isinstance(node.func, ast.Attribute):
        if node.func.attr in _HANDLE_METHODS:
            return "handle"
        if node.func.attr in _ARRAY_METHODS and not node.keywords:
            return "array"
    return None


def _array_module(name: str) -> str | None:
    root = name.partition(".")[0]
    root = {"np": "numpy", "cp": "cupy"}.get(root, root)
    if root in _ARRAY_MODULES:
        return root
    # Source without its imports: `source.np.zeros` is still what everybody takes it for.
    parts = name.split(".")
    second = {"np": "numpy", "cp": "cupy"}.get(parts[1], parts[1]) if len(parts) > 2 else ""
    return second if second in _ARRAY_MODULES else None


def _size(module: ModuleScopes, scope: Scope, node: ast.expr) -> int | None:
    if not isinstance(node, ast.Call):
        return None
    name = module.qualify(scope, node.func) or ""
    library = _array_module(name)
    if library is None or name.rpartition(".")[2] not in (
        "zeros", "ones", "empty", "rand", "randn", "full",
    ):  # fmt: skip
        return None
    count = 1
    for dimension in _dimensions(node):
        if not (isinstance(dimension, ast.Constant) and isinstance(dimension.value, int)):
            return None
        count *= dimension.value
    width = _ITEM_BYTES[library]
    for keyword in node.keywords:
        if keyword.arg == "dtype":
            text = ast.unparse(keyword.value).rpartition(".")[2].strip("'\"")
            if text not in _DTYPE_BYTES:
                return None
            width = 8 if text == "float" and library != "torch" else _DTYPE_BYTES[text]
    return count * width


def _dimensions(node: ast.Call) -> Iterator[ast.expr]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    positional = node.args[:1] if name == "full" else node.args
    for item in positional:
        if isinstance(item, (ast.Tuple, ast.List)):
            yield from item.elts
        else:
            yield item
    if not positional:
        # No dimensions that could be read off.
        yield ast.Name("unknown", ast.Load())
