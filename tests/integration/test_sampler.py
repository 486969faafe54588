"""The sampler in a process of its own: hooks that come and go, and other people's hooks."""

import pytest
from sampled_programs import KNOWN_TOTAL, run_python

BASES = [
    pytest.param((), {}, "divert", id="pymalloc"),
    pytest.param((), {"PYTHONMALLOC": "malloc"}, "filter", id="malloc"),
    pytest.param((), {"PYTHONMALLOC": "debug"}, "filter", id="debug"),
    pytest.param((), {"PYTHONMALLOC": "malloc_debug"}, "filter", id="malloc_debug"),
    pytest.param(("-X", "tracemalloc"), {}, "filter", id="tracemalloc"),
    pytest.param(("-X", "dev"), {}, "filter", id="dev"),
]


@pytest.mark.parametrize(("flags", "environment", "mode"), BASES)
def test_known_totals_are_estimated_on_every_base_allocator(flags, environment, mode):
    program = (
        KNOWN_TOTAL
        + f"""
check(lambda: bytes(100), 60_000, small)
check(lambda: bytes(3000), 5_000, large)
sampler.start(mean_bytes=4096.0)
assert sampler.mode() == {mode!r}, sampler.mode()
"""
    )
    run_python(program, *flags, **environment)


@pytest.mark.parametrize(("flags", "environment", "mode"), BASES)
def test_every_sample_that_dies_is_seen_to_die(flags, environment, mode):
    program = """
    from kimera_leakguard_native import _core
    sampler = _core.sampler
    sampler.start(mean_bytes=2048.0)
    kept = [bytes(n % 1500) for n in range(20_000)]
    growing = [[] for _ in range(500)]
    for n in range(100):
        for one in growing:
            one.append(None)
    texts = ["%d" % n * (n % 90) for n in range(20_000)]
    view = sampler.own_capture()
    before = view.totals()["live"]
    kept = growing = texts = one = None
    after = view.totals()["live"]
    assert before > 5000 and after < before * 0.02, (before, after)
    sampler.stop()
    sampler.stop()
    assert sampler.mode() == ""
    """
    run_python(program, *flags, **environment)


def test_block_counts_stay_right():
    program = """
    import gc, sys
    from kimera_leakguard_native import _core
    def work():
        return [str(n) * 3 for n in range(50_000)]
    work(); gc.collect()
    before = sys.getallocatedblocks()
    _core.sampler.start(mean_bytes=512.0)
    work()
    _core.sampler.stop()
    gc.collect()
    assert abs(sys.getallocatedblocks() - before) < 500
    """
    run_python(program)


def test_tracemalloc_may_come_and_go_above_and_below():
    program = """
    import tracemalloc
    from kimera_leakguard_native import _core
    sampler = _core.sampler
    sampler.start(mean_bytes=4096.0)
    kept = [bytes(200) for _ in range(5000)]
    tracemalloc.start()
    more = [bytes(200) for _ in range(5000)]
    assert tracemalloc.get_traced_memory()[0] > 1_000_000
    sampler.stop()                     # tracemalloc is on top: pass-through only
    assert sampler.mode() == "divert"
    assert not sampler.recording()
    del more
    tracemalloc.stop()
    sampler.start(mean_bytes=4096.0)
    again = [bytes(200) for _ in range(5000)]
    assert sampler.own_capture().totals()["samples"] > 100
    sampler.stop()
    assert sampler.mode() == ""
    tracemalloc.start()
    sampler.start(mean_bytes=4096.0)
    tracemalloc.stop()                 # takes our hooks out with its own
    sampler.stop()
    sampler.start(mean_bytes=4096.0)
    again = [bytes(200) for _ in range(5000)]
    assert sampler.own_capture().totals()["samples"] > 100
    sampler.stop()
    """
    run_python(program)


def test_threads_are_sampled_each_from_a_random_start():
    program = """
    import threading
    from kimera_leakguard_native import _core
    sampler = _core.sampler
    kept = []
    def work():
        for _ in range(200):
            kept.append(bytes(1000))
    sampler.start(mean_bytes=100_000.0)
    for _ in range(10):
        threads = [threading.Thread(target=work) for _ in range(10)]
        [t.start() for t in threads]
        [t.join() for t in threads]
    sampler.stop()
    totals = sampler.own_capture().totals()
    known = 100 * 200 * bytes(1000).__sizeof__()
    error = totals["allocated_bytes"] - known
    # Threads and list growth come on top of the known total.
    assert -5 * totals["allocated_standard_error"] < error
    assert error < 5 * totals["allocated_standard_error"] + 0.1 * known
    """
    run_python(program)


@pytest.mark.parametrize("follow", [False, True])
def test_a_forked_child_is_silent_unless_asked(follow):
    program = f"""
    import os, threading, warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    from kimera_leakguard_native import _core
    sampler = _core.sampler
    sampler.start(mean_bytes=4096.0, follow_fork={follow})
    stop = threading.Event()
    def churn():
        while not stop.is_set():
            [bytes(900) for _ in range(100)]
    threads = [threading.Thread(target=churn) for _ in range(2)]
    [t.start() for t in threads]
    for _ in range(60):
        pid = os.fork()
        if pid == 0:
            before = sampler.own_capture().totals()["samples"]
            kept = [bytes(900) for _ in range(3000)]
            after = sampler.own_capture().totals()["samples"]
            os._exit(0 if (after > before + 100) == {follow} else 1)
        assert os.waitpid(pid, 0)[1] == 0
    stop.set()
    [t.join() for t in threads]
    assert sampler.recording()
    """
    run_python(program, "-W", "default")


def test_a_child_can_start_its_own_sampling():
    program = """
    import os
    import kimera_leakguard_native as klg
    klg.start(4096)
    pid = os.fork()
    if pid == 0:
        assert klg.snapshot().samples == 0
        klg.start(4096)
        kept = [bytes(900) for _ in range(3000)]
        assert klg.snapshot().samples > 300
        klg.stop()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    klg.stop()
    """
    run_python(program, "-W", "ignore::DeprecationWarning")


def test_asyncio_tasks_are_attributed_to_their_lines():
    program = """
    import asyncio
    import kimera_leakguard_native as klg
    source = '''
    import asyncio
    kept = []
    async def remember(n):
        await asyncio.sleep(0)
        kept.append(b"x" * 2000 + b"%d" % n)
    async def main():
        for n in range(200):
            await asyncio.gather(*(remember(n) for _ in range(10)))
    '''
    space = {}
    exec(compile(source, "/app/service.py", "exec"), space)
    klg.start(4096)
    asyncio.run(space["main"]())
    largest = klg.snapshot().sites[0]
    assert (largest.file, largest.function) == ("/app/service.py", "remember"), largest
    assert 3.5e6 < largest.live_bytes < 4.6e6 * 2, largest.live_bytes
    klg.stop()
    """
    run_python(program)


def test_a_deep_recursion_and_odd_names_are_no_trouble():
    program = """
    import sys
    import kimera_leakguard_native as klg
    sys.setrecursionlimit(5000)
    source = "def NAME(n):\\n    return [bytes(600), NAME(n - 1)] if n else None\\n"
    source = source.replace("NAME", "d\\u00e9j\\u00e0")
    space = {}
    exec(compile(source, "/app/\\u4e2d\\U0001f600.py", "exec"), space)
    klg.start(1024)
    kept = space["d\\u00e9j\\u00e0"](3000)
    site = klg.snapshot().sites[0]
    assert site.file == "/app/\\u4e2d\\U0001f600.py", site
    assert site.function == "d\\u00e9j\\u00e0" and site.line == 2
    assert 1 <= len(site.stack) <= 64
    klg.stop()
    """
    run_python(program)
