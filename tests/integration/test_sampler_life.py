"""The sampler over the life of a process: its start and end, its public face, its verdicts."""

import pytest
from sampled_programs import run_python


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
        [bytes(3000) for _ in range(20)]
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
