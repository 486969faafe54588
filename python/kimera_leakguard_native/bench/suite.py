"""Which benchmark is where."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.bench.harness import Options, Result

BENCHMARKS = {
    "analysis": "analysis_bench",
    "cache": "cache_bench",
    "contradiction": "contradiction_bench",
    "demo": "demo_bench",
    "fields": "fields_bench",
    "integration": "integration_bench",
    "overhead": "overhead_bench",
    "registry": "registry_bench",
    "risk": "risk_bench",
    "sampler": "sampler_bench",
    "slots": "slots_bench",
    "specification": "specification_bench",
    "startup": "startup_bench",
}
"""Name on the command line → module beside this one with `run(options) -> Iterator[Result]`."""


def run(name: str, options: Options) -> Iterator[Result]:
    """Run one benchmark; results come as they are ready."""
    module = importlib.import_module(f"kimera_leakguard_native.bench.{BENCHMARKS[name]}")
    results: Iterator[Result] = module.run(options)
    yield from results
