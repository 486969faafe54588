"""Containers of one function: what is put into them and taken out again stays its own duty.

A list, set or dict is private where the function makes it and does nothing with it but the usual
operations, so that no second name and nobody outside can reach what it holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.ownership import (
    ALIAS,
    CONTAINS,
    ITEM,
    NESTED,
    READS,
    VALUES,
    Discharge,
    State,
    element_role,
    is_container,
    is_held,
    is_iterator,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MAKERS = {
    "builtins.list": "list",
    "builtins.set": "set",
    "builtins.dict": "dict",
    "collections.deque": "list",
    "collections.OrderedDict": "dict",
}
ADDING = frozenset({"append", "appendleft", "add", "insert", "extend", "setdefault", "update"})
_KEEPING = ADDING | frozenset(
    {
        "sort", "reverse", "remove", "index", "count", "discard", "keys", "values", "items", "get",
        "pop", "popleft", "popitem", "clear", "copy",
    }
)  # fmt: skip
_READING = frozenset(
    f"builtins.{name}"
    for name in (
        "len", "print", "bool", "repr", "str", "isinstance", "id", "any", "all", "sum", "type",
        "next", "hasattr",
    )
)  # fmt: skip
_SAME = frozenset(
    f"builtins.{name}"
    for name in ("list", "tuple", "set", "sorted", "reversed", "frozenset", "iter")
)
_MERGING = frozenset({"builtins.zip", "itertools.chain", "itertools.zip_longest", "heapq.merge"})
_PAIRING = {"builtins.enumerate": 1}


def private_containers(graph: cfg.Graph) -> Mapping[str, str]:
    """Give the places of containers that only this function sees, with their kinds."""
    if graph.containers is None:
        graph.containers = _private(graph)
    return graph.containers


def _private(graph: cfg.Graph) -> dict[str, str]:
    kinds: dict[str, str] = {}
    names: dict[str, str] = {}
    iterators: set[str] = set()
    public: set[str] = set(graph.parameters) | graph.cells
    for block in graph.blocks:
        for item in block.instructions:
            kind = _made(item)
            if kind is not None:
                place = item.target  # type: ignore[attr-defined]
                if kinds.setdefault(place, kind) != kind:
                    public.add(place)
                public.update(_given_away(item))
            elif isinstance(item, ir.Assign):
                if isinstance(item.source, str):
                    # A temporary has one other name at most: whatever it is, it is followed.
                    if names.setdefault(item.source, item.target) != item.target:
                        public.add(item.source)
                    if not item.source.startswith("%"):
                        public.update((item.source, item.target))
                elif item.source != ir.Literal(None):
                    public.add(item.target)
            else:
                if isinstance(item, ir.Iterate):
                    iterators.add(item.target)
                elif isinstance(item, ir.SetItem) and item.object in iterators:
                    # A generator expression, which is run to its end where it stands.
                    kinds[str(item.object)] = "list"
                public.update(_given_away(item))
                public.update(_targets(item))
    for source, target in names.items():
        if source in kinds and kinds.setdefault(target, kinds[source]) != kinds[source]:
            public.add(target)
    for source, target in names.items():
        if source not in kinds or source in public:
            public.add(target)
        if target in public:
            public.add(source)
    return {place: kind for place, kind in kinds.items() if place not in public}


def _made(item: ir.Instruction) -> str | None:
    if isinstance(item, ir.Build):
        return item.kind if item.kind in ("list", "set", "dict") else None
    if isinstance(item, ir.Call) and item.name is not None:
        return _MAKERS.get(item.name)
    return None


def _targets(item: ir.Instruction) -> Iterator[str]:
    if isinstance(item, ir.Unpack):
        yield from item.targets
    elif isinstance(item, ir.Delete):
        return
    else:
        target = getattr(item, "target", None)
        if isinstance(target, str) and not isinstance(item, ir.Iterate):
            yield target


def _given_away(item: ir.Instruction) -> Iterator[str]:
    """Give the places that an instruction lets somebody else see."""
    operands: tuple[ir.Operand, ...] = ()
    if isinstance(item, ir.Call):
        if item.name not in _READING and item.name not in _SAME and item.name not in _PAIRING:
            operands = item.operands()
            if item.name == "builtins.zip" or (item.spread and item.name in _MERGING):
                operands = ()
        if item.receiver is not None and item.method not in _KEEPING:
            operands = (*operands, item.receiver)
    elif isinstance(item, (ir.SetAttribute, ir.SetItem)):
        operands = (item.source,)
    elif isinstance(item, ir.Build) and item.kind != "text":
        operands = item.elements
    elif isinstance(item, (ir.Yield, ir.Await)):
        operands = (item.source,)
    elif isinstance(item, ir.MakeClosure):
        operands = item.captured
    elif isinstance(item, ir.Enter):
        operands = (item.manager,)
    elif isinstance(item, ir.Compute) and isinstance(item.expression, ir.Arithmetic):
        operands = (item.expression.left, item.expression.right)
    yield from (one for one in operands if isinstance(one, str))


def put(
    state: State, containers: Mapping[str, str], owner: ir.Operand, role: str | None
) -> State | Discharge:
    """Give the state after something with a role was put into a container."""
    if not is_held(role):
        return state
    if not isinstance(owner, str) or owner not in containers or role is None:
        return Discharge.ESCAPED
    if containers[owner] == "dict":
        return state.bind(owner, VALUES) if role == ALIAS else Discharge.ESCAPED
    if role == ALIAS or role.isdigit():
        return state.bind(owner, CONTAINS + role)
    return Discharge.ESCAPED


def displayed(build: ir.Build, state: State) -> str | None:
    """Give the role of a new tuple, list, set or dict."""
    holding: list[tuple[int, str]] = []
    for index, element in enumerate(build.elements):
        role = state.role(element)
        if role is None or not is_held(role):
            continue
        holding.append((index, role))
    if not holding:
        return None
    (index, role), *more = holding
    if more:
        return CONTAINS if all(one == ALIAS for _, one in holding) else NESTED
    if index in build.spread:
        return CONTAINS + role[1:] if role in (ITEM, f"{ITEM}1") else NESTED
    if build.kind in ("tuple", "list") and role == ALIAS and not build.spread:
        return element_role(index)
    if role == ALIAS and build.kind != "tuple":
        return VALUES if build.kind == "dict" else CONTAINS
    return NESTED


def item_of(role: str, key: ir.Operand) -> str:
    """Give the role of an item, taken for the one that leads to the resource."""
    if isinstance(key, ir.Opaque):
        return CONTAINS if role.isdigit() else role
    if role == NESTED:
        return role
    return ALIAS if role in (CONTAINS, VALUES) or role.isdigit() else role[1:]


def iterated(role: str | None) -> str | None:
    """Give the role of an iterator over a container, None where it does not lead to it."""
    if role is None or not is_container(role):
        return None
    if role.isdigit():
        return ITEM
    return ITEM + (VALUES if role == VALUES else role[1:])


def next_of(state: State, iterator: str, target: str) -> State:
    """Give the state after the next item: the first one is the resource, or leads to it."""
    role = state.role(iterator)
    if role is None or not is_iterator(role):
        return state.bind(target, None)
    element = None if role[1:] == VALUES else role[1:]
    return state.bind(iterator, None).bind(target, element)


def built_in(call: ir.Call, state: State) -> tuple[bool, str | None]:
    """Say whether a builtin only looks at a container, and the role of its result."""
    given = [
        (i, role) for i, item in enumerate(call.arguments) if (role := state.role(item)) is not None
    ]
    held = [(i, role) for i, role in given if is_container(role)]
    if len(held) != 1 or any(state.role(value) is not None for _, value in call.keywords):
        return False, None
    index, role = held[0]
    if call.name in _READING:
        return True, None
    if call.spread and call.name in _MERGING:
        return True, READS
    if call.name in _SAME and index == 0:
        return True, None if role == VALUES else (CONTAINS if role.isdigit() else role)
    if role in (CONTAINS, VALUES) or role.isdigit():
        position = _PAIRING.get(call.name or "", index if call.name == "builtins.zip" else None)
        if position is not None and not call.spread:
            return True, None if role == VALUES else f"{CONTAINS}{position}"
    return False, None


def by_method(call: ir.Call, state: State, role: str) -> tuple[State, str | None] | None:
    """Give the state and the result's role after a method of a container that holds the resource.

    None where the method may do anything with it.
    """
    method = call.method or ""
    if method not in _KEEPING:
        return None
    result: str | None = None
    if role == VALUES:
        result = {"values": CONTAINS, "items": f"{CONTAINS}1", "copy": role, "get": ALIAS}.get(
            method
        )
    elif method == "copy":
        result = role
    if method in ("pop", "popleft"):
        return state.taken_out(), ALIAS if role.isdigit() or role == VALUES else role[1:]
    if method == "popitem":
        return state.taken_out(), "1"
    if method == "clear":
        return state.taken_out(), None
    return state, result
