"""C allocations: import tables of loaded modules, and the library that is put in front."""

import json
import os
import shutil
import subprocess

import pytest
from sampled_programs import run_python

COMPILER = shutil.which("cc") or shutil.which("gcc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler")

GRABS = """
#include <stdlib.h>
void* grab(size_t n) { return malloc(n); }
void* grow(void* p, size_t n) { return realloc(p, n); }
void* zeroed(size_t n) { return calloc(1, n); }
void* aligned(size_t n) { void* p = 0; return posix_memalign(&p, 64, n) ? 0 : p; }
void drop(void* p) { free(p); }
"""

LOAD = """
import ctypes, itertools, sys
from kimera_leakguard_native import _core
sampler = _core.sampler
def load(path):
    lib = ctypes.CDLL(path)
    for name in ("grab", "grow", "zeroed", "aligned"):
        getattr(lib, name).restype = ctypes.c_void_p
        getattr(lib, name).argtypes = [ctypes.c_size_t]
    lib.grow.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    lib.drop.argtypes = [ctypes.c_void_p]
    return lib
def totals():
    return sampler.own_capture().totals()
"""


def build(folder, name, source, *flags):
    (folder / f"{name}.c").write_text(source)
    target = folder / f"lib{name}.so"
    command = [COMPILER, "-shared", "-fPIC", "-O1", str(folder / f"{name}.c"), "-o", str(target)]
    subprocess.run([*command, *flags], check=True)
    return target


@pytest.fixture
def library(tmp_path):
    return build(tmp_path, "grabs", GRABS)


def test_array_data_is_seen_at_the_users_line_and_seen_to_go():
    program = """
    import numpy as np
    import kimera_leakguard_native as klg
    source = "import numpy as np\\ndef make():\\n    return np.ones(20_000)\\n"
    space = {}
    exec(compile(source, "/app/arrays.py", "exec"), space)
    klg.start(65536, native="got")
    kept = [space["make"]() for _ in range(400)]
    largest = klg.snapshot().sites[0]
    assert (largest.file, largest.line) == ("/app/arrays.py", 3), largest
    known = 400 * 160_000
    assert 0.8 * known < largest.live_bytes < 1.2 * known, largest.live_bytes
    kept.clear()
    left = [site for site in klg.snapshot().sites if site.file == "/app/arrays.py"]
    assert sum(site.live_bytes for site in left) < 0.02 * known, left
    klg.stop()
    """
    run_python(program)


@needs_compiler
@pytest.mark.parametrize("function", ["grab", "zeroed", "aligned"])
def test_a_library_loaded_later_is_seen(library, function):
    program = (
        LOAD
        + """
sampler.start(mean_bytes=16384.0, native="got")
lib = load(sys.argv[1])
take = getattr(lib, sys.argv[2])
before = totals()
blocks = [take(5000) for _ in range(4000)]
after = totals()
known = 4000 * 5000
seen = after["allocated_bytes"] - before["allocated_bytes"]
assert abs(seen - known) < 5 * after["allocated_standard_error"] + 400_000, (seen, known)
live = after["live"] - before["live"]
assert live > 800, live
blocks = [lib.grow(block, 6000) for block in blocks]
grown = totals()
assert abs((grown["live"] - before["live"]) - live) < 0.3 * live, (live, grown)
for block in blocks:
    lib.drop(block)
assert totals()["live"] - before["live"] < 0.02 * live
sampler.stop()
"""
    )
    run_python(
        program,
        arguments=(
            library,
            function,
        ),
    )


@needs_compiler
def test_a_call_without_the_interpreters_lock_has_its_stack(library):
    program = (
        LOAD
        + """
import threading
import kimera_leakguard_native as klg
lib = load(sys.argv[1])        # CDLL lets the lock go around each call
source = "def take(lib, n):\\n    return [lib.grab(5000) for _ in range(n)]\\n"
space = {}
exec(compile(source, "/app/handles.py", "exec"), space)
klg.start(16384, native="got")
kept = []
threads = [threading.Thread(target=lambda: kept.append(space["take"](lib, 1000))) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
largest = klg.snapshot().sites[0]
assert (largest.file, largest.line) == ("/app/handles.py", 2), klg.snapshot().sites[:3]
assert 0.8 * 20e6 < largest.live_bytes < 1.2 * 20e6, largest
klg.stop()
"""
    )
    run_python(program, arguments=(library,))


@needs_compiler
def test_the_search_path_of_the_caller_of_dlopen_still_counts(tmp_path):
    build(tmp_path, "inner", "int answer(void) { return 42; }")
    source = """
    #include <dlfcn.h>
    int ask(void) {
        void* inner = dlopen("libinner.so", RTLD_NOW);
        return inner ? ((int (*)(void))dlsym(inner, "answer"))() : -1;
    }
    """
    outer = build(tmp_path, "outer", source, "-Wl,--enable-new-dtags,-rpath,$ORIGIN", "-ldl")
    program = LOAD + (
        """
sampler.start(mean_bytes=16384.0, native="got")
assert ctypes.CDLL(sys.argv[1]).ask() == 42
sampler.stop()
"""
    )
    run_python(program, arguments=(outer,))


def test_a_module_that_sets_its_own_allocator_is_no_patcher():
    program = """
    import decimal, xml.parsers.expat   # their function pointers name functions of the interpreter
    from kimera_leakguard_native import _core
    assert _core.sampler.native_unavailable_reason("got") == ""
    _core.sampler.start(mean_bytes=4096.0, native="got")
    kept = [decimal.Decimal(10) ** 500 + n for n in range(200)]
    _core.sampler.stop()
    assert len(kept) == 200
    """
    run_python(program)


def test_pages_are_protected_as_before():
    program = """
    import re, sqlite3, zlib
    import numpy
    from kimera_leakguard_native import _core
    def protections():
        return re.findall(r"^\\S+ (\\S+) .*(/\\S+\\.so\\S*)$", open("/proc/self/maps").read(), re.M)
    before = protections()
    _core.sampler.start(mean_bytes=65536.0, native="got")
    assert protections() == before
    _core.sampler.stop()
    assert protections() == before
    """
    run_python(program)


@needs_compiler
def test_stopping_takes_the_hooks_out_and_starting_puts_them_back(library):
    program = (
        LOAD
        + """
def slots():
    # What the import table of the library holds: the page of its data, as pointers.
    import re, struct
    ranges = [line.split() for line in open("/proc/self/maps") if sys.argv[1] in line]
    out = []
    for line in ranges:
        if line[1].startswith("r") and "x" not in line[1]:
            begin, end = (int(part, 16) for part in line[0].split("-"))
            out += struct.unpack(f"{(end - begin) // 8}Q", ctypes.string_at(begin, end - begin))
    return out
def hooks(values):
    (line,) = [l for l in open("/proc/self/maps") if "klg_pymem" in l and "r-xp" in l]
    begin, end = (int(part, 16) for part in line.split()[0].split("-"))
    return sum(begin <= value < end for value in values)
lib = load(sys.argv[1])
lib.drop(lib.grab(10))
for _ in range(3):
    assert hooks(slots()) == 0
    sampler.start(mean_bytes=16384.0, native="got")
    assert hooks(slots()) >= 4, hooks(slots())
    blocks = [lib.grab(5000) for _ in range(500)]
    assert totals()["live"] > 50
    sampler.stop()
    assert hooks(slots()) == 0
    [lib.drop(block) for block in blocks]
"""
    )
    run_python(program, arguments=(library,))


@needs_compiler
def test_a_fork_handler_that_allocates_does_not_hang(tmp_path):
    source = """
    #include <pthread.h>
    #include <stdlib.h>
    static void churn(void) {
        void* blocks[200];
        for (int k = 0; k < 200; ++k) blocks[k] = malloc(3000);
        for (int k = 0; k < 200; ++k) free(blocks[k]);
    }
    int install(void) { return pthread_atfork(churn, churn, churn); }
    """
    handlers = build(tmp_path, "handlers", source, "-lpthread")
    program = (
        LOAD
        + """
import os
lib = ctypes.CDLL(sys.argv[1])
assert lib.install() == 0        # before the sampler's: so they run while it holds its lock
sampler.start(mean_bytes=4096.0, native="got")
assert lib.install() == 0
for _ in range(50):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
sampler.stop()
"""
    )
    run_python(program, arguments=(handlers,))


@needs_compiler
def test_it_refuses_under_a_sanitizer():
    found = subprocess.run(
        [COMPILER, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    if not os.path.isabs(found):
        pytest.skip("no address sanitizer")
    program = """
    import kimera_leakguard_native as klg
    try:
        klg.start(native="got")
    except klg.RuntimeUnavailable as error:
        assert "sanitizer" in str(error), error
    else:
        raise AssertionError("started")
    """
    run_python(program, LD_PRELOAD=found, ASAN_OPTIONS="detect_leaks=0")


STRESS = """
import os, sys, threading, warnings, zlib
warnings.simplefilter("ignore", DeprecationWarning)
import numpy
from kimera_leakguard_native import _core
sampler = _core.sampler
stop = threading.Event()
data = bytes(range(256)) * 200
def churn():
    while not stop.is_set():
        zlib.decompress(zlib.compress(data, 1))
        [numpy.ones(200) for _ in range(20)]
        text = ""
        for n in range(50):
            text += str(n) * 3
threads = [threading.Thread(target=churn) for _ in range(3)]
[t.start() for t in threads]
for round in range(6):
    sampler.start(mean_bytes=2048.0, native="got")
    for _ in range(5):
        pid = os.fork()
        if pid == 0:
            numpy.ones(1000).sum()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    sampler.stop()
stop.set()
[t.join() for t in threads]
"""


def test_threads_forks_and_restarts_under_load():
    run_python(STRESS)


NATIVE_LEAK = """
import ctypes, sys, time, os
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
kept = []
def leak():
    kept.append(libc.malloc(20_000))
for _ in range(1000):
    leak()
time.sleep(1.5)  # the last second is not judged
print(os.environ.get("LD_PRELOAD"))
"""


def test_preload_sees_malloc_that_was_looked_up_by_name(klg_run):
    environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    ran = klg_run(NATIVE_LEAK, options=["--preload", "--sample-bytes", "65536"], env=environment)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "None\n"
    site = max(ran.report["sites"], key=lambda one: one["live_bytes"])
    assert (site["line"], site["function"]) == (8, "leak"), ran.report["sites"][:3]
    assert 0.7 * 20e6 < site["live_bytes"] < 1.3 * 20e6
    assert "C allocations are not seen" not in ran.stderr


@pytest.mark.parametrize("base", ["pymalloc", "malloc", "debug", "malloc_debug"])
def test_preload_estimates_known_totals_on_every_base_allocator(klg_run, base):
    program = """
import itertools
def check(make, count):
    for _ in itertools.repeat(None, count):
        make()
check(lambda: bytes(100), 60_000)
check(lambda: bytes(3000), 5_000)
kept = [bytes(1000) for _ in range(5000)]
"""
    off, preload = (
        klg_run(
            program,
            options=[*options, "--sample-bytes", "4096", "--no-guard"],
            env={**os.environ, "PYTHONMALLOC": base},
        ).report
        for options in ((), ("--preload",))
    )
    # The interpreter's own start-up is the same in both; C allocations come on top.
    ratio = preload["allocated_bytes_estimate"] / off["allocated_bytes_estimate"]
    assert 0.9 < ratio < 1.35, (preload["allocated_bytes_estimate"], ratio)


def test_what_another_library_preloads_stays_in_place(klg_run, tmp_path):
    if COMPILER is None:
        pytest.skip("no C compiler")
    other = build(tmp_path, "other", "int klg_test_other(void) { return 7; }")
    ran = klg_run(
        "import ctypes, os\nprint(ctypes.CDLL(None).klg_test_other(), os.environ['LD_PRELOAD'])",
        options=["--preload"],
        env={**os.environ, "LD_PRELOAD": str(other)},
    )
    assert ran.stdout == f"7 {other}\n", ran.stderr


def test_got_under_klg_run_needs_no_variable(klg_run):
    program = """
import numpy, os, time
kept = [numpy.ones(20_000) for _ in range(100)]
time.sleep(1.5)  # the last second is not judged
print("LD_PRELOAD" in os.environ)
"""
    environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    ran = klg_run(program, options=["--native", "got", "--sample-bytes", "65536"], env=environment)
    assert ran.stdout == "False\n"
    site = max(ran.report["sites"], key=lambda one: one["live_bytes"])
    assert site["line"] == 3, json.dumps(ran.report["sites"][:2])
    assert site["live_bytes"] > 10e6
