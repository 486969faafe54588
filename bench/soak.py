"""Print what an observation and a sampler hold themselves over a long run, fast-forwarded.

    python bench/soak.py [--days 10] [--stacks 2000] [--seconds 60]

First the observer: polls of `--days` days, a minute apart, of a capture whose samples are born
and die at `--stacks` stacks, on a clock that is set forward; the memory is that of tracemalloc.
Then the sampler itself: as many samples within `--seconds` as a process that allocates 20 MB a
second gives in days at the default mean; the memory is the resident size. Both must stay flat:
what is held at the end of the run is at most a tenth, or 1 MiB, above what was held at a third.
"""

from __future__ import annotations

import argparse
import random
import struct
import sys
import time
import tracemalloc

from kimera_leakguard_native import _core
from kimera_leakguard_native.runtime.observation import Observation
from kimera_leakguard_native.runtime.process import Resident, resident
from kimera_leakguard_native.runtime.sampler import DEFAULT_SAMPLE_BYTES

MIB = 2**20
POLL_S = 60.0
LOOKS = 10
USUAL_RATE = 20e6
"""Bytes a second that a busy service allocates."""


class Forwarded:
    """A capture of a program that lives for days within seconds."""

    def __init__(self, stacks: int) -> None:
        self._stacks = stacks
        self.now = 0.0
        self._random = random.Random(0)
        self._live: list[tuple[float, float, int]] = []  # death, birth, node
        self._dead: list[tuple[float, float, int]] = []
        self._nodes = 0
        self._told_nodes = 0
        self._codes = [(f"/app/{k}.py", f"f{k}") for k in range(500)]

    def forward(self, seconds: float) -> None:
        self.now += seconds
        for _ in range(30):
            self._nodes = min(self._nodes + 1, self._stacks)
            node = self._random.randrange(1, self._nodes + 1)
            life = self._random.expovariate(1 / 3000.0) * self._random.choice((0.1, 1, 20))
            self._live.append((self.now + life, self.now, node))
        gone = [one for one in self._live if one[0] <= self.now]
        self._live = [one for one in self._live if one[0] > self.now][-20_000:]
        self._dead += [one for one in gone if (one[0] - one[1]) * 8 >= one[0]]

    def begun(self) -> bool:
        return True

    def totals(self) -> dict[str, object]:
        return {
            "running": True,
            "seconds": self.now,
            "mean_bytes": float(DEFAULT_SAMPLE_BYTES),
            "coarsest_mean_bytes": float(DEFAULT_SAMPLE_BYTES),
            "narrowed": 0,
            "narrowed_seconds": 0.0,
            "allocated_bytes": USUAL_RATE * self.now,
            "c_heap_seconds": self.now,
            "c_heap_used": 50 * MIB,
            "c_heap_free": 5 * MIB,
            "native": "off",
        }

    def _packed(self, lives: list[tuple[float, float, int]], *, dead: bool) -> bytes:
        return b"".join(
            struct.pack(
                _core.sampler.LIFE_FORMAT,
                int(birth * 1e9),
                int(death * 1e9) if dead else -1,
                _size(node),
                node,
                float(DEFAULT_SAMPLE_BYTES),
                1e9,
                0,
            )
            for death, birth, node in lives
        )

    def live(self) -> bytes:
        return self._packed(self._live, dead=False)

    def held(self, large: int) -> list[tuple[int, int, float, int, int]]:
        found: dict[int, list[int]] = {}
        for _, _, node in self._live:
            found.setdefault(node, []).append(_size(node))
        return [
            (node, len(sizes), float(len(sizes) * DEFAULT_SAMPLE_BYTES), *_large(sizes, large))
            for node, sizes in found.items()
        ]

    def new_deaths(self) -> tuple[bytes, int]:
        told, self._dead = self._dead, []
        return self._packed(told, dead=True), 0

    def new_nodes(self) -> list[tuple[int, int, int]]:
        first, self._told_nodes = self._told_nodes, self._nodes + 1
        return [(0, node % 500, node) for node in range(first, self._told_nodes)]

    def new_codes(self) -> list[tuple[str, str]]:
        told, self._codes = self._codes, []
        return told


def _size(node: int) -> int:
    return 20_000 if node % 5 == 0 else 300


def _large(sizes: list[int], least: int) -> tuple[int, int]:
    large = [size for size in sizes if size >= least]
    return sum(large), max(large, default=0)


def observer(days: float, stacks: int) -> list[float]:
    """Poll for days; give the bytes that the observation holds at `LOOKS` times."""
    capture = Forwarded(stacks)
    tracemalloc.start()
    observation = Observation(capture, lambda: Resident(100 * MIB, 10 * MIB))  # type: ignore[arg-type]
    held = []
    polls = int(days * 86_400 / POLL_S)
    only = tracemalloc.Filter(inclusive=True, filename_pattern="*kimera_leakguard_native*")
    for look in range(1, LOOKS + 1):
        while capture.now < look * polls * POLL_S / LOOKS:
            capture.forward(POLL_S)
            observation.poll()
        observation.verdicts()
        snapshot = tracemalloc.take_snapshot().filter_traces([only])
        held.append(float(sum(trace.size for trace in snapshot.traces)))
        print(f"  {capture.now / 86_400:6.1f} days: observer {held[-1] / MIB:6.2f} MiB", flush=True)
    tracemalloc.stop()
    return held


def churn(number: int) -> int:
    space: dict[str, object] = {}
    exec(f"def made():\n    return [bytes(300) for _ in range(200)] + ['{number}']", space)
    return len(space["made"]())  # type: ignore[operator]


def sampler(seconds: float) -> list[float]:
    """Sample a busy loop at a small mean; give the resident bytes at `LOOKS` times."""
    import kimera_leakguard_native as klg

    mean = 4096
    klg.start(sample_bytes=mean, budget=0, agent=False)
    began = time.monotonic()
    held: list[float] = []
    number = 0
    while len(held) < LOOKS:
        for _ in range(200):
            number += 1
            churn(number % 20_000)  # more stacks than the recorder has room for
        elapsed = time.monotonic() - began
        if elapsed >= seconds * (len(held) + 1) / LOOKS:
            klg.verdicts()
            samples = klg.snapshot().samples
            days = samples * DEFAULT_SAMPLE_BYTES / USUAL_RATE / 86_400
            held.append(float(resident().total))
            print(
                f"  {samples:9d} samples, as in {days:5.2f} days:"
                f" resident {held[-1] / MIB:6.2f} MiB",
                flush=True,
            )
    klg.stop()
    return held


def is_flat(held: list[float]) -> bool:
    """Whether the end is not above a third of the run by more than a tenth or 1 MiB."""
    return max(held[-2:]) <= held[LOOKS // 3 - 1] + max(MIB, 0.1 * held[LOOKS // 3 - 1])


def main() -> int:
    """Run both; 0 if both are flat."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=float, default=10.0)
    parser.add_argument("--stacks", type=int, default=2000, help="that die old, by and by")
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    flat = True
    for title, held in (
        ("sampler", sampler(options.seconds)),
        ("observer", observer(options.days, options.stacks)),
    ):
        good = is_flat(held)
        flat = flat and good
        print(f"{title}: {'flat' if good else 'GROWS'}")
    return int(not flat)


if __name__ == "__main__":
    sys.exit(main())
