"""Ratios of neighbouring slices of work, with a tool and without, in processes of their own.

A busy neighbour on the machine slows neighbouring slices down alike: the median of the pairs'
ratios repeats far better than the times do. A tool that can be switched at run time is, within one
process; of one that cannot, two processes take turns.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING

from kimera_leakguard_native.errors import LeakGuardError

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "slice_worker.py")
_WARM_UP = 3


class SliceWorker:
    """The process of a workload and a tool: see `slice_worker`.

    Parameters
    ----------
    workload, tool : str
        A function of `sampler_workloads`, and a key of `slice_worker.TOOLS`.
    launcher : sequence of str
        What stands between the interpreter and the script.
    """

    def __init__(self, workload: str, tool: str, launcher: Sequence[str] = ()) -> None:
        command = [sys.executable, *launcher, _WORKER, workload, tool]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    @property
    def process_id(self) -> int:
        """The number of its process."""
        return self._process.pid

    def close(self) -> None:
        """End its input and wait until it has ended."""
        self._process.communicate()

    def ask(self, command: str) -> float:
        """Have it do something and give its answer."""
        if self._process.stdin is None or self._process.stdout is None:
            raise ValueError("the worker has no pipes")
        try:
            self._process.stdin.write(f"{command}\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            _, said = self._process.communicate()
            raise LeakGuardError(f"{self._process.args!r} ended: {said.strip()[-2000:]}")
        return float(answer)


def switched(workload: str, tool: str, pairs: int, seed: int) -> tuple[list[float], int]:
    """Switch a tool on and off in neighbouring slices of one process.

    Returns
    -------
    ratios : list of float
        Processor time with the tool over that without.
    samples : int
        That the tool says to have taken in all.
    """
    order = random.Random(seed)
    ratios, samples = [], 0
    with contextlib.closing(SliceWorker(workload, tool)) as worker:
        for number in range(-_WARM_UP, pairs):
            times = {}
            for on in order.sample((False, True), 2):
                if on:
                    worker.ask("on")
                times[on] = worker.ask("slice")
                if on:
                    samples += int(worker.ask("off"))
            if number >= 0:
                ratios.append(times[True] / times[False])
    return ratios, samples


def side_by_side(
    workload: str, tool: str, pairs: int, seed: int, launcher: Sequence[str] = ()
) -> list[float]:
    """Let a process with a tool and a plain one take turns, and give the ratios of their times."""
    order = random.Random(seed)
    ratios = []
    with (
        contextlib.closing(SliceWorker(workload, tool, launcher)) as ours,
        contextlib.closing(SliceWorker(workload, "plain")) as plain,
    ):
        for number in range(-_WARM_UP, pairs):
            times = {}
            for worker in order.sample((ours, plain), 2):
                times[worker] = worker.ask("slice")
            if number >= 0:
                ratios.append(times[ours] / times[plain])
    return ratios
