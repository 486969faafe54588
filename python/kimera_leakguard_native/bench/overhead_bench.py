"""What watching costs: processor time with a tool on, over that without, workload by workload.

Each tool runs in a process of its own and is switched on and off in neighbouring slices of some
20 ms, each after one that is not timed; see `slice_pairs`. Ours samples every 512 KiB, and the
samples of the run are counted. The control has nothing to switch. With `--peers` those that are
installed join: ddtrace's heap profiler at the same mean, memray, scalene (which cannot be switched:
two processes take turns); tracemalloc always does.
"""

from __future__ import annotations

import importlib.util
import statistics
import tempfile
from typing import TYPE_CHECKING

from kimera_leakguard_native import _core
from kimera_leakguard_native.bench import slice_pairs
from kimera_leakguard_native.bench.harness import Measurement, Options, Other, Result
from kimera_leakguard_native.bench.slice_worker import MEAN
from kimera_leakguard_native.errors import RuntimeUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORKLOADS = {
    "json": "json_round_trips",
    "parser": "parser",
    "http": "http_service",
    "numpy": "arrays",
}
_SAMPLED = ("json", "parser", "http")
"""Workloads that allocate enough in small objects for samples to be certain."""

_PEERS = {
    "ddtrace": "ddtrace",
    "memray": "memray",
    "memray/pymalloc": "memray",
}

_SCALENE = ("-m", "scalene", "run", "--memory", "-o")

_PROCESSES = 5
"""Two processes differ by their layout in memory: so many pairs of them."""


def run(options: Options) -> Iterator[Result]:
    """Give each workload without and with C allocations, then what merely importing costs."""
    if reason := _core.sampler.unavailable_reason():
        raise RuntimeUnavailable(f"klg bench overhead: {reason}")
    workloads = dict(_WORKLOADS)
    if any(importlib.util.find_spec(name) is None for name in ("starlette", "uvicorn")):
        del workloads["http"]
        yield _missing("http", "starlette and uvicorn are not installed: see the extra `dashboard`")
    got = _core.sampler.native_unavailable_reason("got")
    for case, workload in workloads.items():
        ours, others = _figures(case, workload, options)
        yield _result(case, ours, others)
        if got:
            yield _missing(f"{case}/native=got", got)
            continue
        native, samples = slice_pairs.switched(
            workload, "ours/native=got", options.rounds(150), options.seed
        )
        if not samples:
            raise AssertionError(f"{case}: no samples, so nothing was measured")
        yield _result(f"{case}/native=got", native, others)
    yield from _idle(options)


def _figures(
    case: str, workload: str, options: Options
) -> tuple[list[float], dict[str, list[float]]]:
    pairs = options.rounds(150)
    ours, samples = slice_pairs.switched(workload, "ours", pairs, options.seed)
    if case in _SAMPLED and samples < pairs:
        raise AssertionError(f"{case}: {samples} samples in {pairs} slices: nothing was measured")
    others = {"nothing switched": slice_pairs.switched(workload, "plain", pairs, options.seed)[0]}
    few = max(3, pairs // 10)
    others["tracemalloc"] = slice_pairs.switched(workload, "tracemalloc", few, options.seed)[0]
    for tool, module in _PEERS.items() if options.peers else ():
        if importlib.util.find_spec(module) is None:
            continue
        few = pairs if tool == "ddtrace" else max(3, pairs // 5)
        others[tool] = slice_pairs.switched(workload, tool, few, options.seed)[0]
    if options.peers and importlib.util.find_spec("scalene") is not None:
        with tempfile.TemporaryDirectory(prefix="klg-bench-") as folder:
            launcher = (*_SCALENE, f"{folder}/profile.json")
            others["scalene"] = slice_pairs.side_by_side(
                workload, "plain", max(3, pairs // 5), options.seed, launcher
            )
    return ours, others


def _result(case: str, ours: list[float], others: dict[str, list[float]]) -> Result:
    mine = statistics.median(ours)
    medians = {name: statistics.median(ratios) for name, ratios in others.items()}
    note = ""
    if "ddtrace" in medians and mine > 1.0:
        note = f"ddtrace costs {(medians['ddtrace'] - 1.0) / (mine - 1.0):.1f} times as much"
    return Result(
        name="overhead",
        case=f"{case}/mean={MEAN}",
        unit="ratio",
        better="lower",
        ours=Measurement.of(ours),
        others={
            name: Other("floor" if name == "nothing switched" else "peer", median, median / mine)
            for name, median in medians.items()
        },
        checked=True,  # each slice compares its result
        note=note,
    )


def _idle(options: Options) -> Iterator[Result]:
    """Start nothing, in a process that has imported the package, and in one that has loaded it all.

    Each takes turns with a process that has imported nothing of ours.
    """
    pairs = options.rounds(60)
    medians = {
        tool: [
            statistics.median(
                slice_pairs.side_by_side("json_round_trips", tool, pairs, options.seed + number)
            )
            for number in range(_PROCESSES)
        ]
        for tool in ("imported", "loaded", "plain")
    }
    floor = statistics.median(medians["plain"])
    for tool, note in (
        ("imported", "import kimera_leakguard_native, and nothing else"),
        ("loaded", "the sampler's module and the native part too: no hook is in place"),
    ):
        mine = Measurement.of(medians[tool])
        yield Result(
            name="overhead",
            case=f"json/idle/{tool}",
            unit="ratio",
            better="lower",
            ours=mine,
            others={"two plain processes": Other("floor", floor, floor / mine.median)},
            checked=True,
            note=note,
        )


def _missing(case: str, reason: str) -> Result:
    return Result("overhead", case, "ratio", "lower", None, note=f"not measured: {reason}")
