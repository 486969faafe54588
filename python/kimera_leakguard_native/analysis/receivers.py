"""What class of the project the objects have that methods are called on."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import ir

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.cfg import Graph
    from kimera_leakguard_native.analysis.names import ClassScope, ModuleScopes, Scope
    from kimera_leakguard_native.analysis.project import Project

SUPER = "super of "
"""Before the name of a class whose bases are meant."""
_MAX_BASES = 32


class Classes:
    """The classes of a project: their bases, methods and the classes of their attributes."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._orders: dict[str, tuple[str, ...]] = {}
        self._attributes: dict[str, dict[str, str | None]] = {}
        self._variables: dict[str, dict[str, str | None]] = {}

    def named(self, qualified: str) -> tuple[ModuleScopes, ClassScope] | None:
        """Find a class of the project by its qualified name, through re-exports."""
        if not self._project.may_be_class(qualified):
            return None
        found = self._project.find(qualified)
        if found is None:
            return None
        module, local = found
        owner = module.classes.get(local)
        return None if owner is None else (module, owner)

    def canonical(self, qualified: str) -> str | None:
        """Give the name of a class at the place of its definition; None if it is not known."""
        found = self.named(qualified)
        return None if found is None else f"{found[0].name}.{found[1].name}"

    def order(self, qualified: str) -> tuple[str, ...]:
        """Give the method resolution order, as far as the classes belong to the project."""
        if qualified not in self._orders:
            self._orders[qualified] = ()  # ends cycles
            self._orders[qualified] = self._linear(qualified)
        return self._orders[qualified]

    def _linear(self, qualified: str) -> tuple[str, ...]:
        found = self.named(qualified)
        if found is None:
            return ()
        name = f"{found[0].name}.{found[1].name}"
        bases = [one for base in found[1].bases if (one := self.canonical(base)) is not None]
        merged = _merge([list(self.order(base)) for base in bases] + [bases])
        return (name, *(item for item in merged if item != name))[:_MAX_BASES]

    def method(self, qualified: str, name: str) -> tuple[ModuleScopes, Scope] | None:
        """Find the method that a call on an object of a class reaches."""
        after_own = qualified.startswith(SUPER)
        order = self.order(qualified.removeprefix(SUPER))
        for one in order[1:] if after_own else order:
            found = self.named(one)
            if found is not None and name in found[1].methods:
                return found[0], found[1].methods[name]
        return None

    def attribute(self, qualified: str, name: str) -> str | None:
        """Give the class of what an attribute of self holds, None if that is not one class."""
        for one in self.order(qualified):
            if one not in self._attributes:
                found = self.named(one)
                self._attributes[one] = {} if found is None else self._assigned(*found)
            held = self._attributes[one]
            if name in held:
                return held[name]
        return None

    def variable(self, qualified: str) -> str | None:
        """Give the class of what a variable of a module holds."""
        found = self._project.find(qualified)
        if found is None or "." in found[1]:
            return None
        module, local = found
        if module.name not in self._variables:
            kept: dict[str, str | None] = {}
            for node in module.body.body:
                if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    for target in targets:
                        if isinstance(target, ast.Name):
                            self._learn(kept, target.id, module, module.body, node.value)
            self._variables[module.name] = kept
        return self._variables[module.name].get(local)

    def _assigned(self, module: ModuleScopes, owner: ClassScope) -> dict[str, str | None]:
        kept: dict[str, str | None] = {}
        for method in owner.methods.values():
            node = method.node
            if isinstance(node, (ast.Module, ast.Lambda)):
                continue
            first = [*node.args.posonlyargs, *node.args.args][:1]
            if not first:
                continue
            annotated = {
                item.arg: item.annotation
                for item in (*node.args.args, *node.args.kwonlyargs)
                if item.annotation is not None
            }
            for item in ast.walk(node):
                if not isinstance(item, (ast.Assign, ast.AnnAssign)) or item.value is None:
                    continue
                for target in item.targets if isinstance(item, ast.Assign) else [item.target]:
                    if (
                        isinstance(target, ast.Attribute)
                        and isinstance(target.value, ast.Name)
                        and target.value.id == first[0].arg
                    ):
                        value = item.value
                        if isinstance(value, ast.Name) and value.id in annotated:
                            value = ast.Call(annotated[value.id], [], [])
                        if isinstance(item, ast.AnnAssign) and not isinstance(value, ast.Call):
                            # What stands in for a value until there is one is of another class.
                            value = ast.Call(item.annotation, [], [])
                        self._learn(kept, target.attr, module, method, value)
        return kept

    def _learn(
        self,
        kept: dict[str, str | None],
        name: str,
        module: ModuleScopes,
        scope: Scope,
        value: ast.expr,
    ) -> None:
        if isinstance(value, ast.Constant) and value.value is None:
            return
        found = None
        if isinstance(value, ast.Call):
            written = module.qualify(scope, value.func)
            found = None if written is None else self.canonical(written)
        if kept.setdefault(name, found) != found:
            kept[name] = None


def _merge(orders: list[list[str]]) -> list[str]:
    """Merge as C3 does; where the bases contradict each other, the first one goes first."""
    merged: list[str] = []
    orders = [order for order in orders if order]
    while orders:
        heads = [order[0] for order in orders]
        head = next((one for one in heads if not any(one in rest[1:] for rest in orders)), heads[0])
        merged.append(head)
        orders = [kept for order in orders if (kept := [one for one in order if one != head])]
    return merged


class Places:
    """The classes of the places of one function, each worked out when it is first asked for."""

    def __init__(self, graph: Graph, module: ModuleScopes, scope: Scope, classes: Classes) -> None:
        self._classes = classes
        self._own = own_class(module, scope)
        self._self = self_name(scope)
        self._written = graph.types
        self._known: dict[str, str | None] = {}
        self._sources: dict[str, list[ir.Instruction]] = {}
        for block in graph.blocks:
            for item in block.instructions:
                if isinstance(item, (ir.Call, ir.Assign, ir.GetAttribute)):
                    self._sources.setdefault(item.target, []).append(item)

    def class_of(self, place: str) -> str | None:
        """Give the class of the project of what a place holds; None where that may be two."""
        if place not in self._known:
            self._known[place] = None  # ends cycles
            self._known[place] = self._work_out(place)
        return self._known[place]

    def _work_out(self, place: str) -> str | None:
        if place == self._self and place not in self._sources:
            return self._own
        found: set[str] = set()
        written = self._written.get(place)
        if written is not None and (one := self._classes.canonical(written)) is not None:
            found.add(one)
        for item in self._sources.get(place, ()):
            one = self._of_source(item)
            if one is not None:
                found.add(one)
        return found.pop() if len(found) == 1 else None

    def _of_source(self, item: ir.Instruction) -> str | None:
        if isinstance(item, ir.Call):
            if item.name == "builtins.super":
                return None if self._own is None else SUPER + self._own
            if item.name is not None:
                return self._classes.canonical(item.name)
            return self._own if self._self is not None and item.function == self._self else None
        if isinstance(item, ir.Assign):
            if isinstance(item.source, str):
                return self.class_of(item.source)
            if isinstance(item.source, ir.Global):
                return self._classes.variable(item.source.name)
        elif isinstance(item, ir.GetAttribute) and isinstance(item.object, str):
            owner = self.class_of(item.object)
            if owner is not None:
                return self._classes.attribute(owner.removeprefix(SUPER), item.attribute)
        return None


def own_class(module: ModuleScopes, scope: Scope) -> str | None:
    """Give the class whose method this is, or in whose method it is nested."""
    looking: Scope | None = scope
    while looking is not None:
        if looking.class_name is not None:
            return f"{module.name}.{looking.class_name}"
        looking = looking.parent
    return None


def self_name(scope: Scope) -> str | None:
    """Name the first parameter of the method that this is, or that is around it."""
    looking: Scope | None = scope
    while looking is not None and looking.class_name is None:
        looking = looking.parent
    if looking is None or isinstance(looking.node, (ast.Module, ast.Lambda)):
        return None
    if any(getattr(one, "id", "") == "staticmethod" for one in looking.node.decorator_list):
        return None
    arguments = looking.node.args
    first = [*arguments.posonlyargs, *arguments.args][:1]
    return first[0].arg if first else None
