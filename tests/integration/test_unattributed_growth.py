"""Memory that no Python line allocates, in real processes: what the report says it is."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

PACE = """
import ctypes, json, mmap, random, sys, time
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.memset.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
def take(size):
    return libc.memset(libc.malloc(size), 1, size)
def pace(work, seconds=14.0, every=0.05):
    text = json.dumps([{"number": k} for k in range(300)])
    end, turn = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        json.loads(text)  # a service that does something besides
        work(turn)
        turn += 1
        time.sleep(every)
"""

PROGRAMS = {
    # 80 kB a turn that nobody frees.
    "malloc_leak": "pace(lambda turn: [take(800) for _ in range(100)])",
    # Blocks shrink to a few bytes, which stay; the next are too large for the gaps between them.
    "fragmentation": """
libc.realloc.restype = ctypes.c_void_p
libc.realloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
def work(turn):
    for block in [take(4000 + 64 * turn) for _ in range(40)]:
        libc.realloc(block, 24)
pace(work)
""",
    "mmap_leak": """
kept = []
def work(turn):
    kept.append(mmap.mmap(-1, 128 * 1024))
    kept[-1][:] = bytes(128 * 1024)
pace(work)
""",
    "burst_freed": """
blocks, pins = [], []
def work(turn):
    if turn < 40:
        blocks.extend(take(20_000) for _ in range(50))
        pins.append(take(24))
    while turn > 60 and blocks:
        libc.free(blocks.pop())
pace(work)
""",
    # The pages of a file that is read are no memory that anybody keeps.
    "walks_a_file": """
import tempfile
with tempfile.TemporaryFile() as file:
    file.truncate(200 << 20)
    mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    pace(lambda turn: sum(mapped[turn << 19 : (turn + 1) << 19 : 4096]))
""",
    "steady": "pace(lambda turn: libc.free(take(500_000)))",
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("growth")

    def one(name):
        script, report = folder / f"{name}.py", folder / f"{name}.json"
        script.write_text(PACE + PROGRAMS[name], encoding="utf-8")
        command = [sys.executable, "-m", "kimera_leakguard_native", "run", "--report", str(report)]
        done = subprocess.run(
            [*command, "--interval", "0.25", str(script)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(report.read_text(encoding="utf-8"))

    with ThreadPoolExecutor(len(PROGRAMS)) as executor:
        return dict(zip(PROGRAMS, executor.map(one, PROGRAMS), strict=True))


def unlocated(report):
    found = [site for site in report["sites"] if site["verdict"] in {"native", "retention"}]
    assert len(found) == 1, found
    return found[0]


@pytest.mark.slow
def test_a_leak_of_malloc_is_native(reports):
    report = reports["malloc_leak"]
    assert report["process_verdict"] == "native"
    site = unlocated(report)
    assert site["file"] is None
    assert "what malloc has handed out grew" in site["evidence"]
    assert "--preload" in site["evidence"]
    assert 0.4e6 < site["growth_bytes_per_s"] < 2.4e6
    process = report["process"]
    assert process["c_heap_used_end"] - process["c_heap_used_start"] > 5e6


@pytest.mark.slow
def test_fragmentation_is_no_leak(reports):
    report = reports["fragmentation"]
    assert report["process_verdict"] == "retention", report["sites"][:2]
    site = unlocated(report)
    assert "fragmentation" in site["evidence"]
    assert site["growth_bytes_per_s"] > 1e6
    assert report["process"]["c_heap_free_end"] > 20e6


@pytest.mark.slow
def test_a_leak_of_mappings_is_native_and_not_mallocs(reports):
    report = reports["mmap_leak"]
    assert report["process_verdict"] == "native"
    assert "mmap" in unlocated(report)["evidence"]
    assert "--preload" not in unlocated(report)["evidence"]


@pytest.mark.slow
def test_what_the_c_library_keeps_of_a_burst_is_retention(reports):
    report = reports["burst_freed"]
    assert report["process_verdict"] == "retention", report["sites"][:2]
    assert "blocks of the C library" in unlocated(report)["evidence"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["walks_a_file", "steady"])
def test_clean_programs_are_not_flagged(reports, name):
    assert reports[name]["process_verdict"] not in {"native", "leak", "retention"}, reports[name]


def test_another_allocator_in_place_of_the_c_librarys_says_nothing(klg_run, jemalloc):
    program = PACE + "kept = []\npace(lambda _: kept.append(bytes(100_000)), 2.0)\n"
    plain = klg_run(program, options=["--interval", "0.1"]).report
    other = klg_run(program, options=["--interval", "0.1"], env=jemalloc).report
    assert plain["process"]["c_heap_used_end"] > 1.5e6
    assert "c_heap_used_end" not in other["process"]
