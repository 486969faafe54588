"""The schema of the tables: what one says about a kind of resource, in the words of the TOML."""

from __future__ import annotations

from typing import Literal

import msgspec


class Resource(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One kind of resource; `docs/resources.md` describes the fields."""

    rule: str
    noun: str
    ended: str = "closed"
    acquired_by: tuple[str, ...] = ()
    release: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    everywhere: tuple[str, ...] = ()
    context: bool = False
    transaction: bool = False
    transfer: tuple[str, ...] = ()
    consume: tuple[str, ...] = ()
    derive: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    exhaust: bool = False
    fluent: tuple[str, ...] = ()
    safe: tuple[str, ...] = ()
    lent_to: tuple[str, ...] = ()
    collected: bool = True
    background: bool = False
    owned: bool = False
    where_called: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    tier: Literal["", "D", "M"] = ""
    raises: dict[str, tuple[str, ...]] = {}
    may_raise: tuple[str, ...] = ()


class Acquisition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a call acquires.

    Attributes
    ----------
    kind : str
        Of the resource.
    also : tuple of str
        Kinds that the same object is too; they are looked at where the first gives no finding.
    elements : tuple of int
        Where it is in the result; empty where it is the result itself.
    given : dict of str to tuple of str
        The call acquires only if one of these arguments has one of these values; ``*`` is any.
    unless : dict of str to tuple of str
        It does not acquire if one of these arguments has one of these values.

    Arguments go by their keywords in `given` and `unless`, positional ones by their number.
    """

    kind: str
    also: tuple[str, ...] = ()
    elements: tuple[int, ...] = ()
    given: dict[str, tuple[str, ...]] = {}
    unless: dict[str, tuple[str, ...]] = {}

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds, the most certain first."""
        return (self.kind, *self.also)


class ByName(Acquisition, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Callables that acquire, by qualified name."""

    callables: tuple[str, ...]


class ByMethod(Acquisition, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Methods that acquire, by what their receiver is: a kind of resource or an object."""

    of: tuple[str, ...]
    methods: tuple[str, ...]


class Object(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something that is no resource but whose methods acquire.

    Attributes
    ----------
    made_by : tuple of str
        Callables, classes among them, that give one.
    variables : tuple of str
        Names that such objects usually have, for where nothing else is known of them.
    """

    made_by: tuple[str, ...]
    variables: tuple[str, ...] = ()


class Tables(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One file of models, or the models of a user."""

    resources: dict[str, Resource] = {}
    objects: dict[str, Object] = {}
    acquire: tuple[ByName, ...] = ()
    methods: tuple[ByMethod, ...] = ()


class Callees(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How callables treat their arguments; the fields are described in `callees.toml`."""

    borrow: frozenset[str]
    derive: frozenset[str]
    inner: frozenset[str]
    reads: frozenset[str]
    wraps: frozenset[str]
    awaits: frozenset[str]
    sends: frozenset[str]
    take: frozenset[str]
    borrow_verbs: frozenset[str]
    never_return: frozenset[str]
    ends_process: frozenset[str]
    pure: frozenset[str]
    pure_methods: frozenset[str]
    raises: dict[str, tuple[str, ...]]

    @property
    def keeping(self) -> frozenset[str]:
        """Callables whose result uses an argument later."""
        return self.derive | self.inner | self.reads | self.wraps
