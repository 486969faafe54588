"""Where a function acquires, and what class the receivers of its calls have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import ir
from kimera_leakguard_native.analysis.argument_values import ArgumentValues
from kimera_leakguard_native.analysis.dataflow import Site
from kimera_leakguard_native.analysis.effects import conditions_hold, needed_values
from kimera_leakguard_native.analysis.memory_streams import memory_places, wraps_stream
from kimera_leakguard_native.analysis.opened_objects import maker_of
from kimera_leakguard_native.analysis.ownership import ALIAS, element_role

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.cfg import Graph
    from kimera_leakguard_native.analysis.effects import Effects
    from kimera_leakguard_native.analysis.names import Scope
    from kimera_leakguard_native.analysis.resources.catalog import Acquisition, Catalog

_PATH = "path"
_PATHS_OF_ONE = frozenset({"glob", "rglob", "iterdir"})
_ANOTHER_PATH = frozenset(
    {
        "joinpath", "with_suffix", "with_name", "with_stem", "resolve", "absolute", "expanduser",
        "relative_to", "rename", "replace",
    }
)  # fmt: skip


_SAME_ITEMS = frozenset({"builtins.sorted", "builtins.list", "builtins.reversed", "builtins.set"})


def may_acquire(scope: Scope, words: frozenset[str], lasting: frozenset[str] = frozenset()) -> bool:
    """Whether a body, without the functions nested in it, calls or names anything like these.

    Calls that a with statement enters at once are safe and don't count, but for those that last
    beyond it.
    """
    if not words.isdisjoint(scope.called):
        return True
    return any(name in words for name in scope.entered if name in lasting)


def renamed_words(scope: Scope, words: frozenset[str]) -> frozenset[str]:
    """Add the names under which a scope imports anything named like these."""
    renamed = {
        alias
        for alias, target in scope.imports.items()
        if alias not in words and target.rpartition(".")[2] in words
    }
    return words | renamed if renamed else words


def find_sites(
    graph: Graph, catalog: Catalog, effects: Effects, objects: frozenset[str] = frozenset()
) -> list[Site]:
    """Find the acquisitions of a function in the order of its blocks.

    Parameters
    ----------
    objects : frozenset of str
        Kinds of objects that a variable may be taken for by its name.
    """
    receivers = Receivers(graph, catalog, effects, objects)
    openers = _openers(graph, effects)
    in_memory = memory_places(graph)
    called = _called(graph)
    values = ArgumentValues(graph)
    sites: list[Site] = []
    for block in graph.blocks:
        for index, instruction in enumerate(block.instructions):
            if not isinstance(instruction, ir.Call):
                continue
            acquisition = acquired_by(instruction, receivers, catalog, effects, values)
            if acquisition is None and isinstance(instruction.function, str):
                acquisition = openers.get(instruction.function)
            if acquisition is None:
                where = block.number, index
                sites.extend(_provided_sites(instruction, *where, graph, catalog, effects))
                continue
            if wraps_stream(instruction, in_memory):
                continue
            roles = [element_role(position) for position in acquisition.elements] or [ALIAS]
            for role in roles:
                for kind in acquisition.kinds:
                    resource = catalog.resources[kind]
                    if instruction.managed and not resource.transaction:
                        continue
                    if resource.where_called and called.isdisjoint(resource.where_called):
                        continue
                    place, needs = instruction.target, needed_values(instruction, acquisition)
                    where = block.number, index
                    sites.append(
                        Site(kind, resource, *where, place, role, instruction, needs=needs)
                    )
    return sites


def _called(graph: Graph) -> frozenset[str]:
    """Give the last parts of the names of what a function calls."""
    return frozenset(
        item.method or (item.name or "").rpartition(".")[2]
        for block in graph.blocks
        for item in block.instructions
        if isinstance(item, ir.Call)
    )


def _provided_sites(
    call: ir.Call, block: int, index: int, graph: Graph, catalog: Catalog, effects: Effects
) -> list[Site]:
    """Find what a function of the project acquires for this call."""
    sites = []
    for item in () if call.managed else effects.provided(call):
        role = ALIAS if item.element is None else element_role(item.element)
        place, maker = call.target, None
        if item.by_receiver:
            place, maker = str(call.receiver), maker_of(call, graph, effects)
            if maker is None:
                continue
        resource = item.resource or catalog.resources[item.kind]
        sites.append(
            Site(item.kind, resource, block, index, place, role, call, provided=item, maker=maker)
        )
    return sites


def acquired_by(
    call: ir.Call,
    receivers: Receivers,
    catalog: Catalog,
    effects: Effects,
    values: ArgumentValues | None = None,
) -> Acquisition | None:
    """Say what a call acquires, None if nothing."""
    found = effects.acquisition(call, values)
    if found is not None:
        return found
    for owner in receivers.owners(call):
        by_method = catalog.acquire_method.get((owner, receivers.method(call)))
        if by_method is not None and conditions_hold(call, by_method):
            return by_method
    return None


def _openers(graph: Graph, effects: Effects) -> dict[str, Acquisition]:
    """Give the variables that only ever stand for callables that acquire, by their first one."""
    sources: dict[str, list[ir.Operand]] = {}
    others: set[str] = set(graph.parameters) | graph.cells
    for block in graph.blocks:
        for item in block.instructions:
            if isinstance(item, ir.Assign):
                sources.setdefault(item.target, []).append(item.source)
            elif isinstance(item, ir.Unpack):
                others.update(item.targets)
            elif isinstance(item, ir.Call):
                chosen = _looked_up(item)
                if chosen:
                    sources[item.target] = chosen
    found: dict[str, Acquisition] = {}

    def learn(place: str, seen: frozenset[str]) -> Acquisition | None:
        if place in found or place in others or place in seen or place not in sources:
            return found.get(place)
        kinds = [
            effects.acquisition_by_name(source.name)
            if isinstance(source, ir.Global)
            else learn(source, seen | {place})
            if isinstance(source, str)
            else None
            for source in sources[place]
        ]
        if all(kind is not None for kind in kinds) and kinds[0] is not None:
            found[place] = kinds[0]
        return found.get(place)

    for place in sources:
        learn(place, frozenset())
    return found


def _looked_up(call: ir.Call) -> list[ir.Operand]:
    """Give what ``getattr(module, "name", default)`` stands for."""
    if call.name != "builtins.getattr" or len(call.arguments) < 2:
        return []
    owner, attribute, *default = call.arguments
    if not isinstance(owner, ir.Global) or not isinstance(attribute, ir.Literal):
        return []
    return [ir.Global(f"{owner.name}.{attribute.value}"), *default]


class Receivers:
    """What the receivers of a function's calls are, by kind of resource, object or class."""

    def __init__(
        self, graph: Graph, catalog: Catalog, effects: Effects, objects: frozenset[str]
    ) -> None:
        self._classes = _receiver_classes(graph, catalog, effects)
        self._catalog = catalog
        self._objects = objects
        self._attributes = {
            item.target: item.attribute
            for block in graph.blocks
            for item in block.instructions
            if isinstance(item, ir.GetAttribute)
        }

    def method(self, call: ir.Call) -> str:
        """Name the method; of an object that is called itself, the one that this means."""
        if call.method is not None:
            return call.method
        if call.name is not None and "." in call.name:
            last = call.name.rpartition(".")[2]
            return "__call__" if last in self._catalog.variables else last
        return "__call__"

    def owners(self, call: ir.Call) -> tuple[str, ...]:
        """Give what the receiver may be: what is known, else what its name says."""
        if call.name is not None and call.name in self._catalog.made_by:
            return ()
        place = call.receiver if call.receiver is not None else call.function
        owner = (call.name or "").rpartition(".")[0]
        if owner in self._catalog.made_by and len(call.arguments) > 0:
            # A method that is called on its class, with the object as an argument.
            return (self._catalog.made_by[owner],)
        if isinstance(place, str):
            known = self._classes.get(place)
            if known is not None:
                return (known,)
            return self._named(self._attributes.get(place, place))
        name = place.name if isinstance(place, ir.Global) else call.name
        if name is None:
            return ()
        *prefix, last = name.split(".")
        if place is None and last not in self._catalog.variables:
            # A qualified call: what it is called on is one part further left.
            last = prefix[-1] if prefix else ""
        return self._named(last)

    def _named(self, variable: str) -> tuple[str, ...]:
        kinds = self._catalog.variables.get(variable, ())
        return tuple(kind for kind in kinds if kind in self._objects)


def _receiver_classes(graph: Graph, catalog: Catalog, effects: Effects) -> dict[str, str]:
    """Give the class or kind of resource of places, whatever the path; none where there are two."""
    classes = {place: catalog.made_by.get(name, name) for place, name in graph.types.items()}
    clashing: set[str] = set()

    of_many: dict[str, str] = {}

    def learn(place: str, name: str | None, *, many: bool = False) -> None:
        known = of_many if many else classes
        if name is not None and known.setdefault(place, name) != name:
            clashing.add(place)

    for block in graph.blocks:
        for item in block.instructions:
            if isinstance(item, ir.Call):
                acquisition = effects.acquisition(item)
                if acquisition is not None and not acquisition.elements:
                    learn(item.target, acquisition.kind)
                elif item.name is not None:
                    learn(item.target, catalog.made_by.get(item.name))
                if item.name in _SAME_ITEMS and item.arguments[:1]:
                    learn(item.target, of_many.get(str(item.arguments[0])), many=True)
                if isinstance(item.receiver, str) and item.receiver in classes:
                    kind = classes[item.receiver]
                    if kind == _PATH:
                        learn(item.target, _PATH if item.method in _ANOTHER_PATH else None)
                        many = _PATH if item.method in _PATHS_OF_ONE else None
                        learn(item.target, many, many=True)
                    by_method = catalog.acquire_method.get((kind, item.method or ""))
                    if by_method is not None and not by_method.elements:
                        learn(item.target, by_method.kind)
            elif isinstance(item, (ir.Assign, ir.Await)) and isinstance(item.source, str):
                learn(item.target, classes.get(item.source))
                learn(item.target, of_many.get(item.source), many=True)
            elif isinstance(item, ir.Enter) and isinstance(item.manager, str):
                learn(item.target, classes.get(item.manager))
            elif isinstance(item, ir.Build) and item.kind == "text" and item.elements:
                left = item.elements[0]
                if isinstance(left, str) and classes.get(left) == _PATH:
                    learn(item.target, _PATH)
            elif isinstance(item, ir.Iterate):
                learn(item.target, of_many.get(str(item.source)), many=True)
            elif isinstance(item, ir.Next):
                learn(item.target, of_many.get(item.iterator))
            elif (
                isinstance(item, ir.GetAttribute)
                and item.attribute == "parent"
                and isinstance(item.object, str)
                and classes.get(item.object) == _PATH
            ):
                learn(item.target, _PATH)
    return {place: name for place, name in classes.items() if place not in clashing}
