"""All nodes of one function, with the way back up."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from kimera_leakguard_native.analysis.syntax import children

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Node = TypeVar("Node", bound=ast.AST)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


class Body:
    """The nodes below a function in the order of the source.

    Parameters
    ----------
    root : function node
        Its decorators and defaults belong to what is around it, and are left out.
    """

    def __init__(self, root: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        self.root = root
        self.parents: dict[ast.AST, ast.AST] = {}
        self.nodes: list[ast.AST] = []
        body: list[ast.AST] = [root.body] if isinstance(root, ast.Lambda) else list(root.body)
        stack: list[tuple[ast.AST, ast.AST]] = [(item, root) for item in reversed(body)]
        while stack:
            node, parent = stack.pop()
            self.parents[node] = parent
            self.nodes.append(node)
            below = [(item, node) for item in children(node)]
            below.reverse()
            stack.extend(below)

    def every(self, kind: type[Node]) -> Iterator[Node]:
        """Give the nodes of a type."""
        return (node for node in self.nodes if isinstance(node, kind))

    @cached_property
    def calls(self) -> list[ast.Call]:
        """Every call."""
        return list(self.every(ast.Call))

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Give what encloses a node, innermost first, up to the root."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def function_of(self, node: ast.AST) -> ast.AST:
        """Give the innermost function around a node."""
        return next((item for item in self.around(node) if isinstance(item, _FUNCTIONS)), self.root)

    def loop_of(self, node: ast.AST) -> ast.For | ast.AsyncFor | ast.While | None:
        """Give the innermost loop of the same function whose body, not head, holds a node."""
        inner = node
        for item in self.around(node):
            if isinstance(item, _FUNCTIONS):
                return None
            if isinstance(item, _LOOPS) and inner in item.body:
                return item
            inner = item
        return None

    def statement_of(self, node: ast.AST) -> ast.stmt:
        """Give the statement that a node belongs to."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node

    def handler_of(self, node: ast.AST) -> ast.ExceptHandler | None:
        """Give the innermost except clause of the same function around a node."""
        for item in self.around(node):
            if isinstance(item, _FUNCTIONS):
                return None
            if isinstance(item, ast.ExceptHandler):
                return item
        return None


def free_names(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    """Give the names that a nested function takes from around it (or from the module)."""
    bound: set[str] = set(_parameters(function.args))
    used: set[str] = set()
    outer: set[str] = set()
    roots = [function.body] if isinstance(function, ast.Lambda) else function.body
    stack: list[ast.AST] = list(roots)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, _FUNCTIONS):
            used |= free_names(node)
            if not isinstance(node, ast.Lambda):
                bound.add(node.name)
                stack.extend(node.decorator_list)
            stack.extend(node.args.defaults)
            stack.extend(item for item in node.args.kw_defaults if item is not None)
            continue
        elif isinstance(node, (ast.Nonlocal, ast.Global)):
            outer.update(node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
        stack.extend(children(node))
    return (used - bound) | (outer & used)


def _parameters(arguments: ast.arguments) -> Iterator[str]:
    for item in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        yield item.arg
    for extra in (arguments.vararg, arguments.kwarg):
        if extra is not None:
            yield extra.arg


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> list[str]:
    """Give the names of all parameters."""
    return list(_parameters(function.args))


def lets_go(nodes: Iterable[ast.AST], name: str, *, only_none: bool = False) -> bool:
    """Whether a variable is deleted, or assigned a constant, which holds nothing.

    Parameters
    ----------
    only_none : bool
        Whether None is the only constant that counts.
    """
    for node in nodes:
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Del):
            return True
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and (node.value.value is None or not only_none)
            and any(isinstance(item, ast.Name) and item.id == name for item in node.targets)
        ):
            return True
    return False
