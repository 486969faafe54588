"""What the methods of a class do with its attributes, read from the syntax alone.

The census is generous where it says that something is released or handed on: what it overlooks
would be a false alarm.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.obligations.words import releases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.obligations.callees import CalleeView
    from kimera_leakguard_native.analysis.obligations.families import Member

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_VIEWS = frozenset({"values", "items", "pop", "popitem", "popleft", "get", "copy", "setdefault"})
_TRANSPARENT = (
    ast.Await, ast.Starred, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.BoolOp, ast.keyword,
)  # fmt: skip


class Fate(Enum):
    """What one use means for the resource in the attribute."""

    RELEASED = "released"
    ARRANGED = "arranged"
    """Something is registered that will release it."""
    LENT = "lent"
    """A method returns or yields it."""
    ESCAPED = "escaped"
    """Somebody else gets it, who may release it."""
    USED = "used"


@dataclass(frozen=True, slots=True)
class Use:
    """One place where a method reads an attribute.

    Attributes
    ----------
    through : str
        What is called or read on it; empty where it is not the dot that uses it.
    of_item : bool
        Whether it is a loop's variable that is used, which an iteration over the attribute gave.
    """

    attribute: str
    method: str
    line: int
    fate: Fate
    through: str = ""
    of_item: bool = False


@dataclass(slots=True)
class Census:
    """All uses in one class.

    Attributes
    ----------
    stored : dict of str to set of str
        Attributes by the method that assigns something to them; None and other constants don't
        count.
    dynamic : set of str
        Methods that reach attributes by computed names.
    by_name : set of str
        Methods that reach attributes by names in strings.
    calls, to_base : dict of str to set of str
        By method: the methods that it calls, of self and of a base.
    """

    uses: list[Use] = field(default_factory=list)
    stored: dict[str, set[str]] = field(default_factory=dict)
    dynamic: set[str] = field(default_factory=set)
    by_name: set[str] = field(default_factory=set)
    calls: dict[str, set[str]] = field(default_factory=dict)
    to_base: dict[str, set[str]] = field(default_factory=dict)


def census_of(member: Member, callees: CalleeView) -> Census:
    """Read the methods of one class."""
    census = Census()
    for node in methods_of(member.scope.node):
        positional = [*node.args.posonlyargs, *node.args.args]
        static = any(getattr(item, "id", "") == "staticmethod" for item in node.decorator_list)
        if positional and not static:
            _Reader(node, positional[0].arg, census, callees).read()
    return census


def methods_of(node: ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Give every function in the body of a class, also under a condition or defined twice."""
    pending: list[ast.AST] = list(reversed(node.body))
    while pending:
        item = pending.pop()
        if isinstance(item, _FUNCTIONS):
            yield item
        elif isinstance(item, (ast.If, ast.Try, ast.With)):
            pending.extend(reversed(list(ast.iter_child_nodes(item))))
        elif isinstance(item, ast.ExceptHandler):
            pending.extend(reversed(item.body))


class _Reader:
    """Reads one method."""

    def __init__(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef,
        owner: str,
        census: Census,
        callees: CalleeView,
    ) -> None:
        self._node = node
        self._owner = owner
        self._census = census
        self._callees = callees
        self._parents: dict[int, ast.AST] = {}
        self._names: dict[str, set[str]] = {}
        """Attributes that a local variable may stand for."""
        self._items: set[str] = set()
        """Of these variables, the ones of loops."""

    def read(self) -> None:
        """Enter everything that the method does into the census."""
        nodes: list[ast.AST] = []
        pending: list[ast.AST] = list(self._node.body)
        parents = self._parents
        while pending:
            item = pending.pop()
            nodes.append(item)
            for child in ast.iter_child_nodes(item):
                parents[id(child)] = item
                pending.append(child)
        origins: list[tuple[ast.expr, str]] = []
        loads: list[ast.Name] = []
        for item in nodes:
            if isinstance(item, ast.Attribute) and self._is_self(item.value):
                if isinstance(item.ctx, ast.Load):
                    origins.append((item, item.attr))
                elif not self._is_dropped(item):
                    self._census.stored.setdefault(self._node.name, set()).add(item.attr)
            elif isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load):
                loads.append(item)
                if item.id == self._owner and self._is_bare(item):
                    self._bare_self(item)
            elif isinstance(item, ast.Call):
                self._call(item, origins)
        for expression, attribute in origins:
            self._classify(expression, attribute)
        for name in sorted(loads, key=lambda item: (item.lineno, item.col_offset)):
            for attribute in sorted(self._names.get(name.id, ())):
                self._classify(name, attribute, through_name=True)

    def _is_dropped(self, target: ast.Attribute) -> bool:
        """Whether an attribute is deleted, or gets None."""
        parent = self._parents.get(id(target))
        if isinstance(parent, ast.Assign):
            return isinstance(parent.value, ast.Constant)
        if isinstance(parent, ast.Tuple):
            whole = self._parents.get(id(parent))
            if isinstance(whole, ast.Assign) and isinstance(whole.value, ast.Tuple):
                pairs = zip(parent.elts, whole.value.elts, strict=False)
                return any(
                    item is target and isinstance(value, ast.Constant) for item, value in pairs
                )
            return False
        return isinstance(target.ctx, ast.Del)

    def _is_self(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id == self._owner

    def _is_bare(self, node: ast.Name) -> bool:
        return not isinstance(self._parents.get(id(node)), ast.Attribute)

    def _bare_self(self, node: ast.Name) -> None:
        parent = self._parents.get(id(node))
        if isinstance(parent, ast.Call) and getattr(parent.func, "id", "") == "vars":
            self._census.dynamic.add(self._node.name)

    def _call(self, call: ast.Call, origins: list[tuple[ast.expr, str]]) -> None:
        """Note calls of own methods, and attributes that are reached by name."""
        func = call.func
        name = self._node.name
        if isinstance(func, ast.Attribute):
            if self._is_self(func.value):
                self._census.calls.setdefault(name, set()).add(func.attr)
            elif _is_super(func.value) or (call.args and self._is_self(call.args[0])):
                self._census.to_base.setdefault(name, set()).add(func.attr)
        elif isinstance(func, ast.Name) and func.id == "getattr" and len(call.args) >= 2:
            if not self._is_self(call.args[0]):
                return
            key = call.args[1]
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                origins.append((call, key.value))
                self._census.by_name.add(name)
            else:
                self._census.dynamic.add(name)

    def _classify(self, node: ast.AST, attribute: str, *, through_name: bool = False) -> None:
        line = getattr(node, "lineno", 0)
        for fate in self._fates(node, attribute, through_name=through_name):
            name = "" if isinstance(fate, Fate) else fate
            known = fate if isinstance(fate, Fate) else Fate.USED
            of_item = through_name and getattr(node, "id", "") in self._items
            self._census.uses.append(Use(attribute, self._node.name, line, known, name, of_item))

    def _fates(self, node: ast.AST, attribute: str, *, through_name: bool) -> Iterator[Fate | str]:
        """Follow an expression outwards to what is done with its value."""
        parent = self._parents.get(id(node))
        while parent is not None:
            if isinstance(parent, ast.Attribute):
                call = self._parents.get(id(parent))
                called = isinstance(call, ast.Call) and call.func is parent
                if releases(parent.attr):
                    yield Fate.RELEASED if called else Fate.ARRANGED
                    return
                if parent.attr == "__dict__":
                    self._census.dynamic.add(self._node.name)
                if not called or parent.attr not in _VIEWS or call is None:
                    yield parent.attr
                    return
                node, parent = call, self._parents.get(id(call))
                continue
            if isinstance(parent, ast.Subscript) and parent.value is not node:
                yield Fate.USED
                return
            if isinstance(parent, ast.Call) and parent.func is node:
                # A method of self that gives the resource.
                node, parent = parent, self._parents.get(id(parent))
                continue
            if isinstance(parent, ast.Call):
                fate = self._callees.on_argument(parent, node, self._owner)
                if fate is not None:
                    yield fate
                    return
            elif isinstance(parent, (ast.For, ast.AsyncFor, ast.comprehension)):
                if parent.iter is node:
                    self._items.update(
                        item.id for item in ast.walk(parent.target) if isinstance(item, ast.Name)
                    )
                    self._alias(parent.target, attribute, through_name=through_name)
                yield Fate.USED
                return
            elif isinstance(parent, ast.withitem):
                yield Fate.RELEASED
                return
            elif getattr(parent, "value", None) is not node and isinstance(
                parent, (ast.Assign, ast.AnnAssign, ast.AugAssign)
            ):
                yield Fate.USED
                return
            elif isinstance(parent, ast.Assign):
                yield self._assigned(parent.targets, attribute, through_name=through_name)
                return
            elif isinstance(parent, (ast.AnnAssign, ast.AugAssign)):
                yield self._assigned([parent.target], attribute, through_name=through_name)
                return
            elif isinstance(parent, ast.NamedExpr):
                self._alias(parent.target, attribute, through_name=through_name)
            elif isinstance(parent, (ast.Return, ast.Yield, ast.YieldFrom)):
                yield Fate.LENT
                return
            elif isinstance(parent, ast.Lambda):
                yield Fate.ESCAPED
                return
            elif isinstance(parent, ast.IfExp):
                if parent.test is node:
                    yield Fate.USED
                    return
            elif not isinstance(parent, (*_TRANSPARENT, ast.Subscript)):
                yield Fate.USED
                return
            node, parent = parent, self._parents.get(id(parent))
        yield Fate.USED

    def _assigned(self, targets: list[ast.expr], attribute: str, *, through_name: bool) -> Fate:
        fate = Fate.USED
        for target in targets:
            for item in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(item, ast.Name):
                    self._alias(item, attribute, through_name=through_name)
                elif isinstance(item, ast.Attribute) and self._is_self(item.value):
                    # Swapping ``x, self.x = self.x, None`` is no second owner.
                    fate = fate if item.attr == attribute else Fate.ESCAPED
                else:
                    fate = Fate.ESCAPED
        return fate

    def _alias(self, target: ast.expr, attribute: str, *, through_name: bool) -> None:
        for item in ast.walk(target):
            if isinstance(item, ast.Name):
                known = self._names.setdefault(item.id, set())
                if not through_name or not known:
                    known.add(attribute)


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "super"
