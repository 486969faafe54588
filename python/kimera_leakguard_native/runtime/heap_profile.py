"""Builds heap profiles, of one capture or of several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.model.profile import HeapProfile, StackTotals

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class ProfileBuilder:
    """Adds up stacks; equal ones become one."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], int] = {}
        self._calls: dict[tuple[int, int, int], int] = {}
        self._totals: dict[int, StackTotals] = {}

    def add(
        self,
        names: Sequence[tuple[str, str]],
        calls: Sequence[tuple[int, int, int]],
        stacks: Iterable[StackTotals],
    ) -> None:
        """Add stacks that are given as those of a `HeapProfile`."""
        numbers = [self._names.setdefault(name, len(self._names)) for name in names]
        here: list[int] = []
        for caller, name, line in calls:
            call = (here[caller] if caller >= 0 else -1, numbers[name], line)
            here.append(self._calls.setdefault(call, len(self._calls)))
        for stack in stacks:
            number = here[stack.call] if stack.call >= 0 else -1
            known = self._totals.get(number, _NONE)
            self._totals[number] = StackTotals(
                number,
                stack.allocations + known.allocations,
                stack.allocated_bytes + known.allocated_bytes,
                stack.live_objects + known.live_objects,
                stack.live_bytes + known.live_bytes,
            )

    def build(self, seconds: float, mean_bytes: float) -> HeapProfile:
        """Give the profile, the stacks that hold the most first."""
        return HeapProfile(
            seconds,
            mean_bytes,
            list(self._names),
            list(self._calls),
            sorted(
                self._totals.values(),
                key=lambda one: (-one.live_bytes, -one.allocated_bytes, one.call),
            ),
        )


_NONE = StackTotals(-1, 0.0, 0.0, 0.0, 0.0)
