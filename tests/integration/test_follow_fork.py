"""`klg run --follow-fork`: what forked children keep is in the report."""

import os
import stat

import pytest

from kimera_leakguard_native.runtime.launch.children import Children

PREFORK = """
import os, sys, time
def remember(kept, n):
    kept.append(bytes(20_000) + b"%d" % n)
def serve():
    kept = []
    for n in range(300):
        remember(kept, n)
    time.sleep(1.5)
    return kept
children = []
for _ in range(3):
    pid = os.fork()
    if pid == 0:
        kept = serve()
        os._exit(0)
    children.append(pid)
for pid in children:
    assert os.waitpid(pid, 0)[1] == 0
print("done")
"""


def lines(report):
    return {site["line"]: site for site in report["sites"]}


def test_the_sites_of_forked_workers_are_merged(klg_run):
    ran = klg_run(PREFORK, options=["--follow-fork", "--sample-bytes", "65536"])
    assert ran.stdout == "done\n", ran.stderr
    report = ran.report
    assert report["process"]["processes"] == 4
    site = lines(report)[4]
    assert site["function"] == "remember"
    known = 3 * 300 * 20_000
    assert 0.6 * known < site["live_bytes"] < 1.4 * known, site
    assert "seen in 3 processes" in site["evidence"]


def test_without_it_they_are_left_alone(klg_run):
    ran = klg_run(PREFORK, options=["--sample-bytes", "65536"])
    assert 4 not in lines(ran.report)
    assert "processes" not in ran.report["process"]


@pytest.mark.parametrize("ending", ["os._exit(3)", "os.kill(os.getpid(), 9)"])
def test_a_child_that_ends_badly_is_in_the_report(klg_run, ending):
    program = f"""
import os, time
def leak():
    return [bytes(20_000) for _ in range(500)]
pid = os.fork()
if pid == 0:
    kept = leak()
    time.sleep(1.5)
    {ending}
os.waitpid(pid, 0)
"""
    report = klg_run(program, options=["--follow-fork", "--sample-bytes", "65536"]).report
    assert lines(report)[4]["live_bytes"] > 5e6


def test_a_hundred_short_children_and_theirs(klg_run):
    program = """
import os
for _ in range(100):
    pid = os.fork()
    if pid == 0:
        kept = [bytes(1000) for _ in range(100)]
        if os.fork() == 0:
            os._exit(0)
        os.wait()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
print("forked")
"""
    ran = klg_run(program, options=["--follow-fork"])
    assert ran.stdout == "forked\n", ran.stderr
    assert ran.report["process"]["processes"] + ran.report["process"]["unobserved"] == 201


def test_the_folder_is_private_and_goes():
    children = Children()
    assert stat.S_IMODE(os.stat(children.folder).st_mode) == 0o700
    children.poll()
    children.close()
    assert not os.path.exists(children.folder)


def test_worker_processes_of_a_pool(klg_run):
    program = """
import multiprocessing, time
kept = []
def work(n):
    kept.append(bytes(200_000))
    time.sleep(0.02)
    return n
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(sum(pool.map(work, range(100), chunksize=1)))
        time.sleep(1.5)
"""
    ran = klg_run(program, options=["--follow-fork", "--sample-bytes", "65536"])
    assert ran.stdout == "4950\n", ran.stderr
    assert lines(ran.report)[5]["live_bytes"] > 10e6
