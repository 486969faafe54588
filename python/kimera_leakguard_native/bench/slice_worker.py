"""A process that does one slice of a workload when it is told to, with a tool on or off.

Run by its path and not as a module: in the plain case nothing of this package is imported.

    python slice_worker.py WORKLOAD TOOL

Reads ``on``, ``off`` and ``slice`` from its standard input, one a line, and answers each with a
line: of ``slice`` the processor time in seconds, of ``off`` how many samples the tool has taken.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Switch = tuple[Callable[[], object], Callable[[], int]]

MEAN = 512 * 1024


def main(workload: str, tool: str) -> None:
    """Serve until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what a tool prints must not mix with the answers
    on, off = TOOLS[tool]()
    work = getattr(_beside("sampler_workloads"), workload)()
    gc.collect()
    for line in sys.stdin:
        command = line.strip()
        if command == "on":
            on()
            answer: float = 0
        elif command == "off":
            answer = off()
        else:
            work.run()  # what a tool touches for the first time belongs to its start
            answer = _slice(work)
        answers.write(f"{answer!r}\n")
        answers.flush()


def _slice(work: Any) -> float:
    begin = time.thread_time()
    result = work.run()
    elapsed = time.thread_time() - begin
    if result != work.expected:
        message = f"the workload gave {result!r}, expected {work.expected!r}"
        raise AssertionError(message)
    return elapsed


def _beside(name: str) -> Any:
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _nothing() -> int:
    return 0


def _plain() -> Switch:
    return _nothing, _nothing


def _imported() -> Switch:
    import kimera_leakguard_native  # noqa: F401 - that is the whole case

    return _nothing, _nothing


def _loaded() -> Switch:
    import kimera_leakguard_native.runtime.sampler

    if kimera_leakguard_native._core.sampler.mode():  # noqa: SLF001 - our own
        raise AssertionError("importing has put hooks in place")
    return _nothing, _nothing


def _ours(native: str = "off") -> Switch:
    from kimera_leakguard_native import _core

    def off() -> int:
        _core.sampler.stop()
        return int(_core.sampler.own_capture().totals()["samples"])

    return lambda: _core.sampler.start(mean_bytes=float(MEAN), native=native), off


def _tracemalloc() -> Switch:
    import tracemalloc

    return tracemalloc.start, _then(tracemalloc.stop)


def _ddtrace() -> Switch:
    os.environ["DD_INSTRUMENTATION_TELEMETRY_ENABLED"] = "false"
    ddup = importlib.import_module("ddtrace.internal.datadog.profiling.ddup")
    memalloc = importlib.import_module("ddtrace.profiling.collector._memalloc")
    ddup.config(service="bench", env="bench", version="0")
    ddup.start()
    return lambda: memalloc.start(64, MEAN, False), _then(memalloc.stop)


def _memray(*, python_allocators: bool = False) -> Switch:
    import tempfile

    memray = importlib.import_module("memray")
    folder = tempfile.TemporaryDirectory(prefix="klg-bench-")
    running: list[Any] = []

    def on() -> None:
        path = os.path.join(folder.name, "capture.bin")
        if os.path.exists(path):
            os.unlink(path)
        running.append(memray.Tracker(path, trace_python_allocators=python_allocators))
        running[-1].__enter__()

    return on, _then(lambda: running.pop().__exit__(None, None, None))


def _then(stop: Callable[[], object]) -> Callable[[], int]:
    def off() -> int:
        stop()
        return 0

    return off


TOOLS: dict[str, Callable[[], Switch]] = {
    "plain": _plain,
    "imported": _imported,
    "loaded": _loaded,
    "ours": _ours,
    "ours/native=got": lambda: _ours("got"),
    "tracemalloc": _tracemalloc,
    "ddtrace": _ddtrace,
    "memray": _memray,
    "memray/pymalloc": lambda: _memray(python_allocators=True),
}
"""What can be switched: each gives what switches it on, and what switches it off again."""


if __name__ == "__main__":
    main(*sys.argv[1:])
