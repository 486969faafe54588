"""What callees do: with their arguments, and whether they come back, raise or acquire."""

from __future__ import annotations

from collections.abc import Iterator  # noqa: TC003 - part of the public signature
from typing import TYPE_CHECKING, NamedTuple, Protocol

from kimera_leakguard_native.analysis import ir
from kimera_leakguard_native.analysis.handlers import Handlers
from kimera_leakguard_native.analysis.obligations.words import first_word
from kimera_leakguard_native.analysis.ownership import (
    ALIAS,
    Effect,
    Level,
    State,
    belongs,
    is_container,
    is_held,
    is_iterator,
    is_using,
)

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.argument_values import ArgumentValues
    from kimera_leakguard_native.analysis.resources.catalog import Acquisition, Catalog, Resource
    from kimera_leakguard_native.analysis.returned import Provided
    from kimera_leakguard_native.analysis.summaries import Summary


class Raised(NamedTuple):
    """An exception that an instruction may raise, and how sure that is."""

    type: str | None
    level: Level


class SummarySource(Protocol):
    """Whoever knows the functions of the project."""

    def provided(self, call: ir.Call) -> tuple[Provided, ...]:
        """Give the resources that a function of the project acquires for a call."""

    def makes_object(self, call: ir.Call) -> bool:
        """Whether a call makes an object of a class of the project."""

    def may_leave(self, call: ir.Call) -> bool:
        """Whether some function of the called name might never return."""

    def may_raise(self, call: ir.Call) -> bool:
        """Whether some function of the called name raises on purpose."""

    def leaving(self, call: ir.Call) -> bool:
        """Whether a method call on an unknown object never returns, whatever class it has."""

    def of_call(self, call: ir.Call) -> Summary | None:
        """Give the summary of the function that a call reaches, None where it is not known."""


_BORROWING_MODULES = (
    "os.",
    "fcntl.",
    "termios.",
    "tty.",
    "select.",
    "signal.",
    "posix.",
    "ctypes.windll.",
    "ssl.RAND_",
)
_HARMLESS = frozenset(
    {
        "append", "extend", "items", "keys", "values", "strip", "lower", "upper", "startswith",
        "endswith", "format", "join", "get", "setdefault", "add", "update", "copy", "replace",
        "splitlines", "rstrip", "lstrip", "split", "debug", "info", "warning", "warn", "error",
        "exception", "critical", "log", "clear", "discard", "insert", "sort", "title", "isdigit",
        "tell", "fileno", "isatty", "flush",
    }
)  # fmt: skip
_EXHAUSTING = frozenset(
    f"builtins.{name}"
    for name in ("list", "tuple", "set", "frozenset", "sorted", "dict", "sum", "min", "max")
)
_CALM = _HARMLESS | {"close"}
"""Of what belongs to the resource, such as a stream of a process."""

_HARMLESS_BUILTINS = frozenset(
    f"builtins.{name}"
    for name in (
        "len", "print", "isinstance", "issubclass", "id", "hasattr", "getattr", "repr", "str",
        "bool", "type", "list", "tuple", "set", "dict", "frozenset", "range", "enumerate", "zip",
        "sorted", "reversed", "callable", "min", "max", "sum", "any", "all", "iter", "map",
        "filter", "super", "object", "bytes", "bytearray", "setattr", "hash", "abs", "round",
    )
)  # fmt: skip
_BODIES = frozenset({"files", "data", "body", "Body", "content"})
_SENDING = frozenset({"post", "put", "patch", "request", "send", "upload", "publish", "create"})
_STREAMS_OF_PROCESSES = frozenset({"stdin", "stdout", "stderr"})
_SHORT = ("time.", "logging.", "os.path.", "string.", "warnings.")


class Effects:
    """Answers about calls, from the catalog first and from the project's summaries next."""

    def __init__(
        self,
        catalog: Catalog,
        summaries: SummarySource | None = None,
        handlers: Handlers | None = None,
    ) -> None:
        self._catalog = catalog
        self._summaries = summaries
        self.handlers = Handlers() if handlers is None else handlers

    def summary(self, call: ir.Call) -> Summary | None:
        """Give the summary of a project function."""
        return None if self._summaries is None else self._summaries.of_call(call)

    def on_arguments(
        self, call: ir.Call, state: State, resource: Resource
    ) -> Iterator[tuple[ir.Operand, Effect]]:
        """Say what happens to each argument that has a role."""
        arguments: list[tuple[int | str, ir.Operand]] = [*enumerate(call.arguments), *call.keywords]
        for key, operand in arguments:
            role = state.role(operand)
            if role is not None:
                within = is_container(role)
                yield operand, self._effect(call, key, resource, state, within=within)

    def _effect(
        self, call: ir.Call, key: int | str, resource: Resource, state: State, *, within: bool
    ) -> Effect:
        """Say what happens to one argument; `within`: it is a container of the resource."""
        callees = self._catalog.callees
        name = call.name
        if name is not None:
            if name in resource.functions and key == 0:
                return Effect.RELEASE
            if name in resource.lent_to:
                return Effect.BORROW
            if name in resource.derive:
                return Effect.DERIVE
            if name in _EXHAUSTING and resource.exhaust:
                return Effect.RELEASE
            if name in callees.borrow:
                copied = within and name.startswith("builtins.")
                return Effect.TAKE if copied else Effect.BORROW
            for listed, effect in (
                (callees.derive, Effect.DERIVE),
                (callees.inner, Effect.INNER),
                (callees.reads, Effect.READ),
                (callees.wraps, Effect.WRAP),
                (callees.awaits, Effect.WRAP),
            ):
                if name in listed:
                    return effect
            if name in callees.sends:
                return Effect.BORROW
            if any(name.startswith(module) for module in resource.used_by):
                return Effect.DERIVE
        if call.method in callees.wraps:
            return Effect.WRAP
        if call.receiver is not None and belongs(state.role(call.receiver)):
            return Effect.BORROW
        if isinstance(call.receiver, ir.Literal):
            return Effect.BORROW
        if name in callees.take:
            return Effect.TAKE
        if call.method in resource.lent_to:
            return Effect.BORROW
        summary = self.summary(call)
        if summary is not None:
            known = summary.effect(key)
            if within and known is not Effect.RELEASE:
                # What the callee does with the items is not in its summary.
                known = Effect.TAKE
            if known is Effect.READ and (resource.exhaust or resource.consume):
                # Reading it to its end is the end of it.
                known = Effect.DERIVE
            if known is Effect.WRAP and not _is_closed_alike(resource):
                known = Effect.TAKE
            if known in _KEPT_BY_RESULT and _is_constructor_of_base(call):
                # The object whose constructor this is keeps it.
                known = Effect.TAKE
            if known is Effect.BORROW and summary.constructs and not resource.collected:
                # A number is kept by value: by conversion, in a format, in another object.
                known = Effect.TAKE
            if known is Effect.BORROW and not resource.release and resource.collected:
                # What is no object with methods is released by ways that a summary cannot see.
                known = Effect.TAKE
            if known is not None:
                return known
            if not summary.certain:
                summary = None
        if name is not None and not resource.collected and name.startswith(_BORROWING_MODULES):
            return Effect.BORROW
        last = (name or call.method or "").rpartition(".")[2]
        if summary is None and _sent(key, last):
            return Effect.BORROW
        if (
            summary is None
            and not within
            and first_word(last) in callees.borrow_verbs
            and last[:1].islower() | (last[:1] == "_")
        ):
            return Effect.BORROW
        return Effect.TAKE

    def fails_with(self, call: ir.Call, state: State) -> bool:
        """Whether a callee that takes the resource over may fail before it can be asked for it."""
        summary = self.summary(call)
        if summary is None or not summary.certain:
            return summary is None and _makes_object(call.name)
        arguments: list[tuple[int | str, ir.Operand]] = [*enumerate(call.arguments), *call.keywords]
        return any(
            state.role(operand) == ALIAS and summary.fails_with(key) for key, operand in arguments
        )

    def never_returns(self, call: ir.Call) -> bool:
        """Whether control does not come back from a call."""
        if call.name in self._catalog.callees.never_return:
            return True
        if self._summaries is None or not self._summaries.may_leave(call):
            return False
        summary = self.summary(call)
        if summary is not None and summary.certain:
            return summary.never_returns
        return self._summaries.leaving(call)

    def ends_process(self, call: ir.Call) -> bool:
        """Whether the process is gone after a call, and all that it held."""
        return call.name in self._catalog.callees.ends_process

    def provided(self, call: ir.Call) -> tuple[Provided, ...]:
        """Say what a function of the project acquires for its caller."""
        return () if self._summaries is None else self._summaries.provided(call)

    def makes_object(self, call: ir.Call) -> bool:
        """Whether a call makes an object of a class of the project."""
        return self._summaries is not None and self._summaries.makes_object(call)

    def acquisition(
        self, call: ir.Call, values: ArgumentValues | None = None
    ) -> Acquisition | None:
        """Say what a call acquires by its name; with `values` also on some paths only."""
        if call.name is not None:
            found = self.acquisition_by_name(call.name)
            if found is not None and conditions_hold(call, found, values):
                return found
        return None

    def acquisition_by_name(self, name: str) -> Acquisition | None:
        """Say what a callable of the catalog acquires."""
        return self._catalog.acquire.get(name)

    def raised(
        self, instruction: ir.Instruction, state: State, resource: Resource
    ) -> Raised | None:
        """Say what an instruction may raise; None if that is not worth a path."""
        if isinstance(instruction, ir.Await):
            if is_held(state.role(instruction.source)):
                # What is awaited is the acquisition itself: cancelled, it gives nothing.
                return None
            if isinstance(instruction.source, ir.Literal):
                # Leaving a with statement seldom waits.
                return Raised("asyncio.CancelledError", Level.WEAK)
            return Raised("asyncio.CancelledError", Level.STRONG)
        if isinstance(instruction, ir.Yield):
            return Raised("builtins.GeneratorExit", Level.WEAK)
        if isinstance(instruction, ir.Next):
            role = state.role(instruction.iterator)
            if is_iterator(role):
                return None
            return Raised(*_own_failure(resource)) if is_using(role) else Raised(None, Level.WEAK)
        if not isinstance(instruction, ir.Call):
            return None
        return self._raised_by_call(instruction, state, resource)

    def _raised_by_call(self, call: ir.Call, state: State, resource: Resource) -> Raised | None:
        if call.receiver is not None and belongs(state.role(call.receiver)):
            method = call.method or ""
            if method in resource.raises:
                return Raised(resource.raises[method][0], Level.STRONG)
            if method in resource.release or method in resource.safe or method in _CALM:
                return None
            return Raised(*_own_failure(resource))
        name = call.name
        if name is not None:
            if name in resource.functions or name in self._catalog.callees.awaits:
                return None
            known = self._catalog.callees.raises.get(name)
            if known is not None:
                return Raised(known[0], Level.STRONG)
            if name in _HARMLESS_BUILTINS or name.startswith(_SHORT):
                return None
        if call.method in _HARMLESS:
            return None
        if self._summaries is not None and (_makes_object(name) or self._summaries.may_raise(call)):
            summary = self.summary(call)
            if summary is not None and summary.only_assigns:
                return None
            if (
                summary is not None
                and summary.certain
                and not summary.constructs
                and summary.raises
            ):
                return Raised(summary.raises[0], Level.STRONG)
        return Raised(None, Level.WEAK)


_KEPT_BY_RESULT = frozenset({Effect.DERIVE, Effect.READ, Effect.WRAP})


def _is_closed_alike(resource: Resource) -> bool:
    """Whether an object that stands for the resource is ended by the same methods."""
    return "close" in resource.release and resource.collected and not resource.tier


def _makes_object(name: str | None) -> bool:
    return name is not None and name.rpartition(".")[2].lstrip("_")[:1].isupper()


def _is_constructor_of_base(call: ir.Call) -> bool:
    return (call.method or (call.name or "").rpartition(".")[2]) == "__init__"


def conditions_hold(
    call: ir.Call, acquisition: Acquisition, values: ArgumentValues | None = None
) -> bool:
    """Whether a call's arguments are such that it acquires."""
    if not acquisition.given and not acquisition.unless:
        return True
    given = {**dict(call.keywords), **{str(i): one for i, one in enumerate(call.arguments)}}
    if any(_is_one_of(given.get(name), allowed) for name, allowed in acquisition.unless.items()):
        return False
    if not acquisition.given:
        return not call.spread
    if any(_is_one_of(given.get(name), allowed) for name, allowed in acquisition.given.items()):
        return True
    return values is not None and any(
        _is_one_of(value, acquisition.given.get(name, ())) for name, value in values.given(call)
    )


def needed_values(call: ir.Call, acquisition: Acquisition) -> tuple[str, ...]:
    """Give the variables that decide whether a call acquires; none where its arguments say so."""
    if not acquisition.given or conditions_hold(call, acquisition):
        return ()
    given = {**dict(call.keywords), **{str(i): one for i, one in enumerate(call.arguments)}}
    found = [given.get(name) for name in acquisition.given]
    return tuple(one for one in found if isinstance(one, str))


def _is_one_of(operand: ir.Operand | None, allowed: tuple[str, ...]) -> bool:
    if operand is None:
        return False
    if isinstance(operand, ir.Literal):
        return str(operand.value) in allowed or "*" in allowed
    return "*" in allowed or (isinstance(operand, ir.Global) and operand.name in allowed)


def _sent(key: int | str, last: str) -> bool:
    """Whether a keyword and the callee's name say that a file is sent, or lent to a process."""
    if key in _STREAMS_OF_PROCESSES:
        return True
    return key in _BODIES and first_word(last) in _SENDING and last[:1].islower()


def _own_failure(resource: Resource) -> tuple[str | None, Level]:
    if resource.may_raise:
        return resource.may_raise[0], Level.MODERATE
    return None, Level.WEAK
