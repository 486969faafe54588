"""The sampler in a process of its own: hooks that come and go, and other people's hooks."""

import os
import subprocess
import sys
import textwrap

import pytest


def run_python(program, *flags, **environment):
    done = subprocess.run(
        [sys.executable, "-W", "error", *flags, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


KNOWN_TOTAL = """
import itertools, sys
from kimera_leakguard_native import _core
sampler = _core.sampler
def check(make, count, each, mean=4096.0):
    sampler.start(mean_bytes=mean)
    for _ in itertools.repeat(None, count):
        make()
    sampler.stop()
    totals = sampler.own_capture().totals()
    error = totals["allocated_bytes"] - count * each
    deviation = totals["allocated_standard_error"]
    assert abs(error) <= 5 * deviation + 20_000, (make, error, deviation)
    assert totals["points"] >= 0.8 * count * each / mean, totals
    assert totals["samples"] == totals["freed"] + totals["live"], totals
    return totals
small, large = bytes(100).__sizeof__(), bytes(3000).__sizeof__()
"""

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


def test_it_can_be_left_running_at_exit_and_in_threads():
    program = """
    import threading, time
    import kimera_leakguard_native as klg
    klg.start(2048)
    class Noisy:
        def __del__(self):
            [bytes(700) for _ in range(50)]
    kept = [Noisy() for _ in range(200)]
    def churn():
        while True:
            [bytes(900) for _ in range(100)]
    for _ in range(3):
        threading.Thread(target=churn, daemon=True).start()
    time.sleep(0.2)
    """
    for _ in range(5):
        run_python(program)


def test_start_and_stop_many_times_under_load():
    program = """
    import threading
    from kimera_leakguard_native import _core
    sampler = _core.sampler
    stop = threading.Event()
    def churn():
        import zlib
        data = bytes(range(256)) * 40
        while not stop.is_set():
            [bytes(900) for _ in range(100)]
            zlib.decompress(zlib.compress(data))
    threads = [threading.Thread(target=churn) for _ in range(3)]
    [t.start() for t in threads]
    for _ in range(300):
        sampler.start(mean_bytes=2048.0)
        [str(n) for n in range(300)]
        sampler.stop()
    stop.set()
    [t.join() for t in threads]
    """
    run_python(program)


def test_public_api_refuses_what_it_cannot_do():
    program = """
    import kimera_leakguard_native as klg
    sizes = [dict(sample_bytes=0), dict(sample_bytes="x")]
    for wrong in [*sizes, dict(native="preload"), dict(native=1)]:
        try:
            klg.start(**wrong)
        except klg.ConfigError:
            pass
        else:
            raise AssertionError(wrong)
    assert klg.snapshot().sites == () and klg.verdicts() == []
    klg.start()
    try:
        klg.start()
    except klg.LeakGuardError as error:
        assert "already running" in str(error)
    else:
        raise AssertionError
    klg.stop()
    klg.stop()
    """
    run_python(program)


def test_the_kill_switch_makes_it_a_no_op():
    program = """
    import kimera_leakguard_native as klg
    from kimera_leakguard_native import _core
    klg.start()
    assert not _core.sampler.recording() and _core.sampler.mode() == ""
    klg.stop()
    assert klg.verdicts() == []
    """
    run_python(program, KLG_DISABLE="1")


@pytest.mark.slow
def test_verdicts_of_a_live_process():
    program = """
    import time
    import kimera_leakguard_native as klg
    source = '''
    kept = []
    def leak(n):
        kept.append("%d" % n + "x" * 1000)
    def churn():
        return [str(n) for n in range(3000)]
    '''
    space = {}
    exec(compile(source, "/app/service.py", "exec"), space)
    klg.start(8192)
    end = time.monotonic() + 12
    n = 0
    while time.monotonic() < end:
        space["leak"](n)
        space["churn"]()
        n += 1
        time.sleep(0.005)
    leaks = [site for site in klg.verdicts() if site.verdict == "leak"]
    klg.stop()
    assert [(s.file, s.line) for s in leaks] == [("/app/service.py", 4)], leaks
    """
    run_python(program)


def test_a_suspicion_makes_the_mean_finer_and_estimates_stay_true():
    program = """
    from kimera_leakguard_native import _core
    from kimera_leakguard_native.runtime.observation import Observation
    from kimera_leakguard_native.runtime.process import resident
    from kimera_leakguard_native.runtime.snapshot import represented
    sampler = _core.sampler
    size = bytes(2000).__sizeof__()
    kept = [None] * 40_000
    sampler.start(mean_bytes=262144.0, budget=0.05)
    import time
    def fill(begin, end):
        for k in range(begin, end):
            kept[k] = bytes(2000)
    fill(0, 20_000)
    sampler.ask_for_mean(16384.0)
    until = time.monotonic() + 20
    while sampler.own_capture().totals()["mean_bytes"] > 16384.0 and time.monotonic() < until:
        [bytes(3000) for _ in range(200)]
        time.sleep(0.001)
    fill(20_000, 40_000)
    observation = Observation(sampler.own_capture(), resident)
    live = observation.snapshot().live_bytes
    sampler.stop()
    totals = sampler.own_capture().totals()
    assert totals["narrowed"] >= 1 and totals["mean_bytes"] == 16384.0, totals
    # Blocks of one size: a weight, and its variance, by the mean of each half.
    known = size * 40_000
    variance = sum(
        20_000 * size**2 * (represented(size, mean) - 1) for mean in (262144.0, 16384.0)
    )
    assert abs(live - known) < 5 * variance**0.5 + 0.02 * known, (live, known, variance**0.5)
    assert totals["live"] > 1.4 * known / 262144.0  # the second half is seen finer
    """
    run_python(program)


def test_a_thread_that_reads_the_c_heap_does_not_end_the_process_at_exit():
    program = """
    import threading, time
    from kimera_leakguard_native import _core
    _core.sampler.start(mean_bytes=65536.0)
    def look():
        while True:
            _core.sampler.look_at_c_heap()
    for _ in range(3):
        threading.Thread(target=look, daemon=True).start()
    time.sleep(0.1)
    """
    for _ in range(3):
        run_python(program)
