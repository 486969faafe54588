"""Whether an except clause catches an exception: the lattice as the data flow asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.exceptions import Catch, ExceptionLattice

_BROAD = frozenset({"builtins.Exception", "builtins.BaseException"})
_BASES = ("builtins.BaseException", "BaseException")
_UNNAMED = "?"
"""A class that the source gives no name to; nothing is known of it."""
FindClass = Callable[[str], "tuple[str, Sequence[str]] | None"]
"""Gives the defining name of a class of the project with the names of its bases."""


def is_broad(types: tuple[str | None, ...] | None) -> bool:
    """Whether a handler takes nearly everything."""
    return types is None or any(item in _BROAD for item in types)


_MISTAKES = frozenset({"builtins.AttributeError", "builtins.TypeError", "builtins.NameError"})
"""What an acquisition itself raises where its receiver or an argument is not what it should be."""

_ATTRIBUTE = ("builtins.AttributeError",)
_ITEM = ("builtins.KeyError", "builtins.IndexError", "builtins.LookupError", "builtins.TypeError")


def expected_by(graph: cfg.Graph, block: cfg.Block, read: ir.Instruction) -> list[str]:
    """Give what a read raises, where a handler around it says that somebody expects it."""
    end = graph.blocks[block.on_raise].terminator
    if not isinstance(end, cfg.Dispatch):
        return []
    kinds = _ATTRIBUTE if isinstance(read, ir.GetAttribute) else _ITEM
    named = {name for handler in end.handlers for name in handler.types or ()}
    return [kind for kind in kinds if kind in named]


class Handlers:
    """Matches except clauses with exceptions, and remembers the answers.

    Parameters
    ----------
    find_class : callable, optional
        Looks classes of the project up, when one is first asked for.
    """

    def __init__(self, find_class: FindClass | None = None) -> None:
        if find_class is None:
            self._lattice = ExceptionLattice()
        else:
            self._lattice = ExceptionLattice(_Bases(find_class), aliases=_Names(find_class))
        self._find = find_class
        self._answers: dict[tuple[tuple[str | None, ...] | None, str | None], Catch] = {}

    def catches(self, types: tuple[str | None, ...] | None, raised: str | None) -> Catch:
        """Compare the classes of a handler with a raised class; None is an unknown exception.

        An unknown exception is taken for a subclass of Exception, as nearly all are, and so is a
        class that cannot be found.
        """
        answer = self._answers.get((types, raised))
        if answer is None:
            named = None if types is None else tuple(item or _UNNAMED for item in types)
            answer = self._lattice.handler_catches(named, raised or "Exception")
            if answer is Catch.MAYBE and raised not in _BASES:
                of_any = self._lattice.handler_catches(named, "Exception")
                answer = of_any if of_any is Catch.ALWAYS else answer
            self._answers[types, raised] = answer
        elif self._find is not None:
            # Who is given an answer that is known looks at the same files as who asked first.
            for name in (*(types or ()), raised):
                if name is not None and not name.startswith("builtins."):
                    self._find(name)
        return answer

    def is_for_others(
        self, types: tuple[str | None, ...] | None, may_raise: tuple[str, ...]
    ) -> bool:
        """Whether a clause around an acquisition is for something else that is tried there.

        Parameters
        ----------
        may_raise : tuple of str
            What the acquisition raises; empty if that is not known.
        """
        return (
            bool(may_raise)
            and not is_broad(types)
            and _MISTAKES.isdisjoint(types or ())
            and all(self.catches(types, one) is Catch.NEVER for one in may_raise)
        )


_Value = TypeVar("_Value")


class _OnDemand(Mapping[str, _Value]):
    """Classes of the project by name; which there are is not known beforehand."""

    def __init__(self, find_class: FindClass) -> None:
        self._find = find_class

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _Bases(_OnDemand[Sequence[str]]):
    """The bases of each class, by the name under which it is defined."""

    def __getitem__(self, name: str) -> Sequence[str]:
        found = self._find(name)
        if found is None or found[0] != name:
            raise KeyError(name)
        return found[1]


class _Names(_OnDemand[str]):
    """The defining name of each class, by the other names it has."""

    def __getitem__(self, name: str) -> str:
        found = self._find(name)
        if found is None or found[0] == name:
            raise KeyError(name)
        return found[0]
