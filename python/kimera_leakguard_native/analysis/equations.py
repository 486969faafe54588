"""Facts about functions that rest on each other, solved bottom-up over the call graph.

What is asked first is worked out first, and what it rests on before it: a depth-first walk over the
call graph, with the components found on the way as Tarjan does. Inside a component everything
starts as unknown and is worked out again until nothing changes, so that the answer does not depend
on who asked first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")

MAX_DEPTH = 24
"""Questions inside each other; a deeper one is answered first, from the bottom of the stack."""
MAX_ROUNDS = 6
"""Passes over one component; what still changes then stays unknown."""
MAX_RESTARTS = 400
"""Times that one question is started again because something below it lay too deep."""


class _TooDeep(Exception):
    def __init__(
        self, key: Hashable, compute: Callable[[], object], unknown: object, given_up: object
    ) -> None:
        super().__init__()
        self.question = (key, compute, unknown, given_up)


class Equations:
    """Remembers what was worked out, and what is being worked out."""

    def __init__(self) -> None:
        self._known: dict[Hashable, object] = {}
        self._position: dict[Hashable, int] = {}
        self._lowest: list[int] = []
        self._assumed: dict[Hashable, object] = {}
        self._provisional: dict[Hashable, tuple[object, int]] = {}
        self._assumed_by_others: set[Hashable] = set()

    def solve(
        self, key: Hashable, compute: Callable[[], T], unknown: T, given_up: T | None = None
    ) -> T:
        """Answer a question.

        Parameters
        ----------
        key : hashable
            Names the question.
        compute : callable
            Works the answer out; may ask others.
        unknown : object
            What is assumed of an answer that is still on its way.
        given_up : object, optional
            The answer where none is found; `unknown` by default.
        """
        if key in self._known:
            return self._known[key]  # type: ignore[return-value]
        if key in self._position:
            self._reaches(self._position[key])
            self._assumed_by_others.add(key)
            return self._assumed.get(key, unknown)  # type: ignore[return-value]
        if key in self._provisional:
            value, lowest = self._provisional[key]
            self._reaches(lowest)
            return value  # type: ignore[return-value]
        last = unknown if given_up is None else given_up
        if not self._lowest:
            return self._from_the_bottom(key, compute, unknown, last)
        if len(self._lowest) >= MAX_DEPTH:
            raise _TooDeep(key, compute, unknown, last)
        return self._work_out(key, compute, unknown, last)

    def _from_the_bottom(
        self, key: Hashable, compute: Callable[[], T], unknown: T, given_up: T
    ) -> T:
        waiting: list[tuple[Hashable, Callable[[], object], object, object]] = [
            (key, compute, unknown, given_up)
        ]
        for _ in range(MAX_RESTARTS):
            try:
                self._work_out(*waiting[-1])
            except _TooDeep as deeper:
                self._forget_open()
                if any(deeper.question[0] == item[0] for item in waiting):
                    # A component deeper than the stack.
                    self._known[deeper.question[0]] = deeper.question[3]
                else:
                    waiting.append(deeper.question)
                continue
            waiting.pop()
            while waiting and waiting[-1][0] in self._known:
                waiting.pop()
            if not waiting:
                return self._known[key]  # type: ignore[return-value]
        self._known[key] = given_up
        return given_up

    def _forget_open(self) -> None:
        self._position.clear()
        self._lowest.clear()
        self._assumed.clear()
        self._provisional.clear()
        self._assumed_by_others.clear()

    def _reaches(self, position: int) -> None:
        self._lowest[-1] = min(self._lowest[-1], position)

    def _work_out(self, key: Hashable, compute: Callable[[], T], unknown: T, given_up: T) -> T:
        position = len(self._lowest)
        self._position[key] = position
        self._lowest.append(position)
        try:
            result, lowest = self._settle(key, compute, unknown, given_up, position)
        finally:
            if self._lowest:
                self._lowest.pop()
            self._position.pop(key, None)
            self._assumed.pop(key, None)
        if lowest < position:
            self._provisional[key] = (result, lowest)
            self._reaches(lowest)
            return result
        self._known[key] = result
        inside = [item for item, (_, low) in self._provisional.items() if low >= position]
        for member in inside:
            self._known[member] = self._provisional.pop(member)[0]
        return result

    def _settle(
        self, key: Hashable, compute: Callable[[], T], unknown: T, given_up: T, position: int
    ) -> tuple[T, int]:
        assumed, lowest = unknown, position
        outside = dict(self._provisional)
        for _ in range(MAX_ROUNDS):
            self._lowest[-1] = position
            self._assumed[key] = assumed
            self._assumed_by_others.discard(key)
            result = compute()
            lowest = min(lowest, self._lowest[-1])
            if result == assumed or key not in self._assumed_by_others:
                return result, lowest
            # Others rest on what was assumed of this one: they are worked out again.
            assumed = result
            self._provisional = dict(outside)
        self._provisional = dict(outside)
        return given_up, lowest
