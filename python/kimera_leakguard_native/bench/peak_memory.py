"""How far the peak of resident memory rises while pairs are searched: run as a program."""

from __future__ import annotations

import sys
from pathlib import Path

_RESET = "5"
"""What Linux takes to set the peak back to what is resident now (proc(5))."""


def main(rows: int, columns: int, seed: int) -> None:
    """Print the bytes that the peak rose by, and the number of pairs found."""
    from kimera_leakguard_native.bench.contradiction_workloads import unit_rows
    from kimera_leakguard_native.engines.contradiction.pairs import contradiction_pairs

    x = unit_rows(rows, columns, "random", seed)
    contradiction_pairs(x[:50], 0.9, below=False, threads=1)  # what is imported is not its memory
    Path("/proc/self/clear_refs").write_text(_RESET, encoding="ascii")
    start = _status("VmRSS")
    found = contradiction_pairs(x, 0.9, below=False, threads=1)
    print(_status("VmHWM") - start, len(found.i))


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name + ":"):
            return 1024 * int(line.split()[1])
    message = f"/proc/self/status has no {name}"
    raise OSError(message)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:4]))
