"""What the sampler itself takes: growth of a process that samples, less that of one that does not.

    python -m kimera_leakguard_native.bench.sampler_memory BLOCKS {plain,sampled}

makes so many blocks, half of them small, each of which is a sample, and prints the growth of its
anonymous memory in bytes and the number of live samples.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

from kimera_leakguard_native import _core
from kimera_leakguard_native.bench.harness import Measurement, Options, Result

FIXED_BYTES = 4 * 2**20
BYTES_A_SAMPLE = 200
"""What may be taken: so much at once, and so much for each live sample."""

MAX_SAMPLES = 32768
"""What the table of live samples holds: more blocks cannot make it larger."""

_SMALL, _LARGE = 100, 1000
_MEAN = 16.0  # of two hundred blocks of the small size, one is not a sample


def run(options: Options) -> list[Result]:
    """Give it without samples, with ten thousand, and with far more than there is room for."""
    return [_case(blocks, options) for blocks in (0, 10_000, 100_000)]


def own_bytes(blocks: int) -> tuple[float, int]:
    """Give what sampling so many blocks has taken, and how many of them are live samples."""
    plain, _ = _in_a_process(blocks, "plain")
    sampled, live = _in_a_process(blocks, "sampled")
    return float(sampled - plain), live


def _case(blocks: int, options: Options) -> Result:
    rounds = [own_bytes(blocks) for _ in range(options.rounds(5))]
    live = round(statistics.median(count for _, count in rounds))
    if live < min(0.9 * blocks, MAX_SAMPLES) or live > MAX_SAMPLES:
        raise AssertionError(f"{live} live samples of {blocks} blocks")
    allowed = (FIXED_BYTES + BYTES_A_SAMPLE * live) / 2**20
    return Result(
        name="sampler",
        case=f"own-memory/blocks={blocks}",
        unit="MiB",
        better="lower",
        ours=Measurement.of([own / 2**20 for own, _ in rounds]),
        checked=True,
        hits=live,
        note=f"aim: at most {allowed:.2f} MiB, 4 MiB and 200 bytes for each live sample",
    )


def _in_a_process(blocks: int, kind: str) -> tuple[int, int]:
    command = [sys.executable, "-m", __name__, str(blocks), kind]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    grown, live = done.stdout.split()
    return int(grown), int(live)


def _anonymous_bytes() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return 1024 * int(lines["RssAnon"].split()[0])


def _main(blocks: int, kind: str) -> None:
    kept: list[bytes | None] = [None] * blocks
    numbers = range(blocks)
    before = _anonymous_bytes()
    if kind == "sampled":
        _core.sampler.start(mean_bytes=_MEAN)
    for number in numbers:
        kept[number] = bytes(_LARGE if number % 2 else _SMALL)
    grown = _anonymous_bytes() - before
    live = 0
    if kind == "sampled":
        live = _core.sampler.own_capture().totals()["live"]
        _core.sampler.stop()
    sys.stdout.write(f"{grown} {live}\n")


if __name__ == "__main__":
    _main(int(sys.argv[1]), sys.argv[2])
