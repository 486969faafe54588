"""Which resources a function acquires and hands to its caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.dataflow import Site, Tracker
from kimera_leakguard_native.analysis.ownership import ALIAS, Discharge, Level, Returned
from kimera_leakguard_native.analysis.sites import find_sites

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.function import Function
    from kimera_leakguard_native.analysis.resources.models import Resource

FRESH = "fresh"
NOTHING = "nothing"
OTHER = "other"
Values = frozenset[object]
"""What a place may hold: of these words, or a tuple of such sets for the elements of a tuple."""
_MOST_ELEMENTS = 8


@dataclass(frozen=True, slots=True)
class Provided:
    """A resource that a function of the project hands to its caller.

    Attributes
    ----------
    kind : str
        Kind of resource.
    element : int or None
        Position in the returned tuple; None for the result itself.
    file, line, text : str, int, str
        The call inside the function that acquires.
    resource : Resource or None
        How it is released, where that is not what the kind says: by a method of its owner.
    sometimes : bool
        Whether it depends on what the call is given.
    by_receiver : bool
        Whether it is held by the object whose method is called, not by the result.
    """

    kind: str
    element: int | None
    file: str
    line: int
    text: str
    resource: Resource | None = None
    sometimes: bool = False
    by_receiver: bool = False


class Returning(NamedTuple):
    """What is handed out.

    Attributes
    ----------
    always : bool
        Whether it is a fresh resource, or nothing, however the function returns: only then does
        every caller own what it gets.
    """

    provided: tuple[Provided, ...]
    always: bool


NO_RESOURCE = Returning((), always=True)


def returned_by(function: Function, graph: cfg.Graph) -> Returning:
    """Follow the acquisitions of a function to its returns."""
    if graph.is_generator:
        return NO_RESOURCE
    provided: dict[int | None, Provided] = {}
    kept_too = False
    sites = find_sites(graph, function.project.catalog, function.effects)
    frame = function.frame()
    for site in sites:
        flow = Tracker(graph, site, frame, function.effects).run()
        plain = [outcome for outcome, level, _ in flow.discharges if level is Level.PLAIN]
        elements = sorted(
            (item.element for item in plain if isinstance(item, Returned)),
            key=lambda item: -1 if item is None else item,
        )
        if not elements or site.call is None:
            continue
        kept_too = kept_too or Discharge.ESCAPED in plain
        for element in elements:
            provided.setdefault(
                element,
                Provided(
                    site.kind,
                    element,
                    function.project.file_of(function.module),
                    site.call.line,
                    site.call.text,
                    None if site.provided is None else site.provided.resource,
                    site.provided is not None and site.provided.sometimes,
                ),
            )
    if not provided:
        return NO_RESOURCE
    values = _values_returned(graph, sites, _calls_of_itself(function, graph))
    always = not kept_too and all(_always(values, element) for element in provided)
    ordered = sorted(
        provided.values(), key=lambda item: -1 if item.element is None else item.element
    )
    return Returning(tuple(ordered), always)


def _always(values: Values, element: int | None) -> bool:
    if element is None:
        return values <= {FRESH, NOTHING}
    for value in values:
        if isinstance(value, tuple):
            if element >= len(value) or not value[element] <= {FRESH, NOTHING}:
                return False
        elif value != NOTHING:
            return False
    return True


Environment = dict[str, Values]


def _calls_of_itself(function: Function, graph: cfg.Graph) -> dict[int, Values]:
    """Give the recursive calls: they add nothing to what the other returns give."""
    last = function.scope.name.rpartition(".")[2]
    calls = [item for block in graph.blocks for item in block.instructions]
    found: dict[int, Values] = {}
    for item in calls:
        if (
            isinstance(item, ir.Call)
            and last == (item.method or item.name or "").rpartition(".")[2]
        ):
            target = function.calls.target(item)
            if target is not None and target.function.qualified_name == function.qualified_name:
                found[id(item)] = frozenset()
    return found


def _values_returned(graph: cfg.Graph, sites: list[Site], calls: dict[int, Values]) -> Values:
    """Give what the return statements that can be reached may return."""
    fresh = dict(calls)
    for site in sites:
        assert site.origin is not None  # sites are calls here
        maker = id(site.maker or site.origin)
        fresh[maker] = _with_fresh(fresh.get(maker, frozenset()), site.role)
    entry: Environment = {name: frozenset({OTHER}) for name in graph.parameters}
    at: dict[int, Environment] = {cfg.ENTRY: entry}
    pending = [cfg.ENTRY]
    found: set[object] = set()
    while pending:
        number = pending.pop()
        block = graph.blocks[number]
        environment = dict(at[number])
        raising = dict(environment)
        for item in block.instructions:
            if isinstance(item, ir.Return):
                found |= _value(item.source, environment)
            for place, value in _assigned(item, environment, fresh):
                environment[place] = value
                raising[place] = raising.get(place, frozenset()) | value
            if isinstance(item, ir.Raise):
                break
        else:
            following = graph.successors(number)
            pending.extend(one for one in following if _merge(at, one, environment))
        if block.instructions and _merge(at, block.on_raise, raising):
            pending.append(block.on_raise)
    return frozenset(found)


def _with_fresh(before: Values, role: str) -> Values:
    if role == ALIAS:
        return before | {FRESH}
    index = int(role)
    elements: list[Values] = [frozenset({OTHER})] * (index + 1)
    for value in before:
        if isinstance(value, tuple):
            elements = [*value, *elements[len(value) :]]
    elements[index] = frozenset({FRESH})
    return frozenset({tuple(elements)})


def _merge(at: dict[int, Environment], number: int, more: Environment) -> bool:
    known = at.get(number)
    if known is None:
        at[number] = dict(more)
        return True
    changed = False
    for place, value in more.items():
        before = known.get(place, frozenset())
        if not value <= before:
            joined = before | value
            known[place] = joined if len(joined) <= _MOST_ELEMENTS else frozenset({OTHER})
            changed = changed or known[place] != before
    return changed


def _value(operand: ir.Operand, environment: Environment) -> Values:
    if isinstance(operand, ir.Literal):
        return frozenset({NOTHING})
    if isinstance(operand, str):
        return environment.get(operand, frozenset({OTHER}))
    return frozenset({OTHER})


def _assigned(
    item: ir.Instruction, environment: Environment, fresh: dict[int, Values]
) -> Iterator[tuple[str, Values]]:
    if isinstance(item, ir.Assign):
        yield item.target, _value(item.source, environment)
    elif isinstance(item, ir.Call):
        yield item.target, fresh.get(id(item), frozenset({OTHER}))
    elif isinstance(item, ir.Await):
        yield item.target, _value(item.source, environment)
    elif isinstance(item, ir.Enter):
        yield item.target, _value(item.manager, environment)
    elif isinstance(item, ir.Build):
        elements = [_flat(_value(one, environment)) for one in item.elements]
        is_tuple = item.kind == "tuple" and len(elements) <= _MOST_ELEMENTS
        yield item.target, frozenset({tuple(elements) if is_tuple else OTHER})
    elif isinstance(item, ir.Unpack):
        source = _value(item.source, environment)
        for index, place in enumerate(item.targets):
            yield place, frozenset({OTHER}) if item.starred else _element(source, index)
    elif isinstance(item, ir.GetItem):
        key = item.key.value if isinstance(item.key, ir.Literal) else None
        source = _value(item.object, environment)
        yield item.target, _element(source, key) if type(key) is int else frozenset({OTHER})
    elif not isinstance(item, ir.Delete):
        target = getattr(item, "target", None)
        if target is not None:
            yield target, frozenset({OTHER})


def _flat(values: Values) -> Values:
    return frozenset(OTHER if isinstance(value, tuple) else value for value in values)


def _element(values: Values, index: int) -> Values:
    found: set[object] = set()
    for value in values:
        if isinstance(value, tuple) and 0 <= index < len(value):
            found |= value[index]
        else:
            found.add(OTHER)
    return frozenset(found)
