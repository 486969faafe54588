"""Which handler catches which exception: a class lattice over builtins, stubs and the project.

Matching follows the interpreter: only the real base classes count (abstract base classes that were
registered do not), clauses are tried in order, and what no clause takes goes on. Nothing is
imported: builtins are those of the running interpreter, the standard library comes from its type
stubs when a name of it is first asked for, and the project's classes are what the caller says.
"""

from __future__ import annotations

import builtins
import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kimera_leakguard_native.analysis.typeshed import Typeshed

ANYTHING = "BaseException"
"""What to pass for an implicit exception of which no class is known."""

CANCELLED = "asyncio.CancelledError"
"""What an ``await`` may raise; a BaseException since 3.8, so ``except Exception`` misses it."""

GENERATOR_EXIT = "GeneratorExit"
"""What a ``yield`` raises when the generator is closed or collected early."""

_GROUPS = ("BaseExceptionGroup", "ExceptionGroup")
_FACTORIES = frozenset({"OSError", "BaseExceptionGroup"})
"""Classes whose constructor may give a subclass of theirs (OSError by errno)."""

_STATIC_ALIASES = {"WindowsError": "OSError", "mmap.error": "OSError"}
"""Aliases that neither the running interpreter (elsewhere than on Windows) nor the stubs have."""

_BUILTIN_CLASSES: dict[str, type] = {
    name: value for name, value in vars(builtins).items() if isinstance(value, type)
}


class Catch(enum.Enum):
    """Whether an exception stops at a handler."""

    ALWAYS = "always"
    MAYBE = "maybe"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Route:
    """Where an exception goes that is raised inside a ``try``.

    Attributes
    ----------
    handlers : tuple of int
        Indices of the ``except`` clauses that may run, in source order.
    escapes : bool
        Whether it may also leave the statement, past every clause.
    """

    handlers: tuple[int, ...]
    escapes: bool


@dataclass(frozen=True, slots=True)
class _Ancestry:
    """A class, all its known bases, and whether that is all of them."""

    names: frozenset[str]
    complete: bool


_UNKNOWN = _Ancestry(frozenset(), complete=False)


class ExceptionLattice:
    """Subclass relation of exception classes, as far as it can be known without running code.

    Parameters
    ----------
    project : mapping of str to sequence of str, optional
        Qualified name of each class of the project to the names of its bases. A base that cannot
        be named (a call, a subscript of something dynamic) is passed as any name that nothing
        defines, for example ``"?"``; the class then has unknown ancestors.
    aliases : mapping of str to str, optional
        Other names of classes in the project, such as ``{"pkg.Error": "pkg.errors.BaseError"}``.
    typeshed : Typeshed, optional
        Where the standard library is looked up; an index for the running version by default,
        made at the first name that is neither builtin nor of the project.

    Notes
    -----
    Names are dotted, ``socket.timeout`` or ``pkg.mod.Error``; a builtin may come bare or with
    ``builtins.`` before it. Answers are cached; the lattice never changes after construction.
    """

    def __init__(
        self,
        project: Mapping[str, Sequence[str]] | None = None,
        *,
        aliases: Mapping[str, str] | None = None,
        typeshed: Typeshed | None = None,
    ) -> None:
        self._project: Mapping[str, Sequence[str]] = {} if project is None else project
        self._aliases: Mapping[str, str] = {} if aliases is None else aliases
        self._typeshed = typeshed
        self._canonical: dict[str, str] = {}
        self._ancestries: dict[str, _Ancestry] = {}
        self._catches: dict[tuple[str, str, bool], Catch] = {}
        self._joining = [name for name, bases in self._project.items() if len(bases) > 1]

    def canonical(self, name: str) -> str:
        """Give the one name of a class: ``socket.error``, ``IOError`` are ``OSError``.

        A name that nothing defines is given back as it came.
        """
        known = self._canonical.get(name)
        if known is None:
            known = self._canonical[name] = self._resolve(name)
        return known

    def is_subclass(self, name: str, base: str) -> bool | None:
        """Tell whether one class is another or derives from it.

        Returns
        -------
        bool or None
            None where a class is unknown, so that it could be either.
        """
        derived, wanted = self.canonical(name), self.canonical(base)
        if derived == wanted:
            return True
        ancestry = self._ancestry(derived)
        if wanted in ancestry.names:
            return True
        if not ancestry.complete:
            return None
        # A name that nothing defines may be another name of one of the ancestors.
        return False if self._is_defined(wanted) else None

    def handler_catches(
        self, handler_types: Sequence[str] | None, raised: str, *, exact: bool = False
    ) -> Catch:
        """Tell whether ``except handler_types`` stops an exception.

        Parameters
        ----------
        handler_types : sequence of str or None
            Classes of the clause; None for a bare ``except:``. The empty tuple catches nothing.
        raised : str
            Class of the exception, or the class that it is at least (`ANYTHING` if unknown).
        exact : bool
            True for ``raise X(...)``, whose class is X itself: a handler of a subclass of X then
            never matches. False where a call may raise X or anything derived from it.

        Returns
        -------
        Catch
            Sibling classes give NEVER: the possibility that somebody derives a class from both
            counts only if the project does so, or where bases are unknown.
        """
        if handler_types is None:
            return Catch.ALWAYS
        verdict = Catch.NEVER
        for handler in handler_types:
            key = (handler, raised, exact)
            one = self._catches.get(key)
            if one is None:
                one = self._catches[key] = self._decide(
                    self.canonical(handler), self.canonical(raised), exact=exact
                )
            if one is Catch.ALWAYS:
                return one
            if one is Catch.MAYBE:
                verdict = one
        return verdict

    def star_handler_catches(
        self, handler_types: Sequence[str], raised: str, *, exact: bool = False
    ) -> Catch:
        """Tell whether ``except* handler_types`` takes an exception, all of it.

        A naked exception is matched as by ``except``. Of a group, the clause takes the leaves that
        match: ALWAYS only where every possible leaf does, else MAYBE. ``except*`` of a group class
        is a TypeError when it is reached, so it catches nothing.
        """
        types = [t for t in handler_types if self.is_subclass(t, _GROUPS[0]) is not True]
        group = self.is_subclass(raised, _GROUPS[0])
        if group is not True:
            caught = self.handler_catches(types, raised, exact=exact)
            return caught if group is False or caught is not Catch.NEVER else Catch.MAYBE
        ordinary = self.is_subclass(raised, _GROUPS[1]) is True
        leaf = "Exception" if ordinary else "BaseException"
        return self.handler_catches(types, leaf)

    def route(
        self,
        handlers: Sequence[Sequence[str] | None],
        raised: str,
        *,
        exact: bool = False,
        star: bool = False,
    ) -> Route:
        """Follow an exception through the clauses of one ``try``, in order.

        Parameters
        ----------
        handlers : sequence
            The classes of each clause, None for a bare one.
        raised, exact
            As in `handler_catches`.
        star : bool
            Whether the clauses are ``except*``: several of them may then run for one group.
        """
        taken: list[int] = []
        for index, types in enumerate(handlers):
            if star and types is not None:
                caught = self.star_handler_catches(types, raised, exact=exact)
            else:
                caught = self.handler_catches(types, raised, exact=exact)
            if caught is not Catch.NEVER:
                taken.append(index)
            if caught is Catch.ALWAYS:
                return Route(tuple(taken), escapes=False)
        return Route(tuple(taken), escapes=True)

    def _decide(self, handler: str, raised: str, *, exact: bool) -> Catch:
        if handler == ANYTHING:
            return Catch.ALWAYS
        above = self.is_subclass(raised, handler)
        if above is not False:
            return Catch.ALWAYS if above else Catch.MAYBE
        if exact and raised not in _FACTORIES:
            return Catch.NEVER
        if self.is_subclass(handler, raised) is not False or self._joined(handler, raised):
            return Catch.MAYBE
        return Catch.NEVER

    def _joined(self, first: str, second: str) -> bool:
        """Tell whether a class of the project derives from both."""
        return any(
            first in (names := self._ancestry(name).names) and second in names
            for name in self._joining
        )

    def _resolve(self, name: str) -> str:
        seen = {name}
        while name in self._aliases and self._aliases[name] not in seen:
            name = self._aliases[name]
            seen.add(name)
        if name in self._project:
            return name
        bare = name.removeprefix("builtins.")
        bare = _STATIC_ALIASES.get(bare, bare)
        builtin = _BUILTIN_CLASSES.get(bare)
        if builtin is not None:
            return builtin.__name__
        found = self._stubs().canonical(name)
        return found.removeprefix("builtins.") if found else name

    def _ancestry(self, name: str) -> _Ancestry:
        known = self._ancestries.get(name)
        if known is None:
            self._ancestries[name] = _UNKNOWN  # ends cycles in bases
            known = self._ancestries[name] = self._climb(name)
        return known

    def _climb(self, name: str) -> _Ancestry:
        if name in self._project:
            above = [self._ancestry(self.canonical(base)) for base in self._project[name]]
            names = frozenset({name, "object"}).union(*(a.names for a in above))
            return _Ancestry(names, all(a.complete for a in above))
        builtin = _BUILTIN_CLASSES.get(name)
        if builtin is not None:
            return _Ancestry(frozenset(c.__name__ for c in builtin.__mro__), complete=True)
        return self._climb_stubs(name)

    def _climb_stubs(self, name: str) -> _Ancestry:
        described = self._stubs().class_of(name)
        if described is None:
            return _Ancestry(frozenset({name}), complete=False)
        above = [self._ancestry(self.canonical(base)) for base in described.bases]
        names = frozenset({name, "object"}).union(*(a.names for a in above))
        return _Ancestry(names, described.complete and all(a.complete for a in above))

    def _is_defined(self, name: str) -> bool:
        return (
            name in self._project
            or name in _BUILTIN_CLASSES
            or self._stubs().class_of(name) is not None
        )

    def _stubs(self) -> Typeshed:
        if self._typeshed is None:
            from kimera_leakguard_native.analysis.typeshed import Typeshed

            self._typeshed = Typeshed()
        return self._typeshed


def builtin_exceptions() -> Iterator[str]:
    """Name the exception classes of the running interpreter's builtins, without aliases."""
    for name, value in _BUILTIN_CLASSES.items():
        if issubclass(value, BaseException) and value.__name__ == name:
            yield name
