"""What starting costs: the command beside a bare interpreter, and importing the package."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from kimera_leakguard_native._version import __version__
from kimera_leakguard_native.bench.harness import Options, Result, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HEAVY = ("numpy", "torch", "z3", "cupy", "click", "rich", "msgspec", "starlette")
_IMPORT = "import sys, kimera_leakguard_native as klg; klg.__all__; "


def run(options: Options) -> Iterator[Result]:
    """Time whole processes; `ours` less `bare interpreter` is what we add."""
    version = [sys.executable, "-m", "kimera_leakguard_native", "--version"]
    importing = [sys.executable, "-c", f"{_IMPORT}print([m for m in {_HEAVY} if m in sys.modules])"]
    for case, command, expected in (
        ("version", version, f"klg {__version__}"),
        ("import", importing, "[]"),
    ):
        yield compare(
            "startup",
            case,
            "ms",
            _timer(command, expected),
            {"bare interpreter": ("floor", _timer([sys.executable, "-c", "pass"], ""))},
            rounds=options.rounds(15),
            seed=options.seed,
            checked=True,
        )


def _timer(command: list[str], expected: str) -> Callable[[], float]:
    def once() -> float:
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        elapsed = time.perf_counter() - start
        if done.stdout.strip() != expected:
            message = f"{command} printed {done.stdout!r}, expected {expected!r}"
            raise AssertionError(message)
        return elapsed * 1e3

    return once
