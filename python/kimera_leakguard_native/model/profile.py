"""What a process has allocated and holds, by call stack: the data of a heap profile."""

from __future__ import annotations

from dataclasses import dataclass, field

from kimera_leakguard_native.model.frame import Frame


@dataclass(frozen=True, slots=True)
class StackTotals:
    """Estimates for one call stack.

    Attributes
    ----------
    call : int
        Number of its innermost call in `HeapProfile.calls`; -1 where no Python was running.
    allocations, allocated_bytes : float
        Since the start.
    live_objects, live_bytes : float
        Of them, what is alive.
    """

    call: int
    allocations: float
    allocated_bytes: float
    live_objects: float
    live_bytes: float


@dataclass(slots=True)
class HeapProfile:
    """Stacks that share their outer calls, and what each has allocated.

    Attributes
    ----------
    seconds : float
        From the start of the sampling.
    mean_bytes : float
        Mean distance of two samples.
    names : list of (str, str)
        File and function.
    calls : list of (int, int, int)
        Number of the caller in this list, which comes before it, or -1; number in `names`; line.
    stacks : list of StackTotals
        No call twice.
    """

    seconds: float
    mean_bytes: float
    names: list[tuple[str, str]] = field(default_factory=list)
    calls: list[tuple[int, int, int]] = field(default_factory=list)
    stacks: list[StackTotals] = field(default_factory=list)

    def frames(self, call: int) -> tuple[Frame, ...]:
        """Give the calls of a stack, innermost first."""
        frames = []
        while call >= 0:
            call, name, line = self.calls[call]
            file, function = self.names[name]
            frames.append(Frame(file, line, function))
        return tuple(frames)
