"""Memory that runs out in the middle of a call is an error, and nothing is corrupted."""

import subprocess
import sys
import textwrap

import pytest

from kimera_leakguard_native import _core

PRELUDE = """
    import resource
    import numpy as np
    from pathlib import Path
    import kimera_leakguard_native as klg

    x = np.random.default_rng(0).standard_normal((6000, 64)).astype(np.float32)
    before = klg.contradiction_pairs(x[:500], -0.1, threads=2)
    index = klg.SimilarityIndex(64, x[:500])

    def limit(megabytes):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        size = pages * resource.getpagesize() + (megabytes << 20)
        resource.setrlimit(resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))

    def unchanged():
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        for found in (klg.contradiction_pairs(x[:500], -0.1, threads=2), index.pairs(-0.1)):
            for ours, theirs in zip(found, before):
                assert np.array_equal(ours, theirs)
        print("unchanged")
"""


@pytest.mark.parametrize(
    "call",
    [
        "klg.contradiction_pairs(x, 1.0, threads=1)",
        "klg.contradiction_pairs(x, 1.0, threads=2)",
        "klg.top_k(x, 5000, threads=2)",
        "index.add(big)",
    ],
)
def test_the_call_fails_and_the_next_one_works(call):
    script = textwrap.dedent(PRELUDE) + textwrap.dedent(
        f"""
        big = np.tile(x, (60, 1))
        limit(12)
        try:
            {call}
        except MemoryError:
            print("refused")
        else:
            raise SystemExit("not refused")
        unchanged()
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["refused", "unchanged"], done.stderr


MAPPED = """
    import resource, sys
    from concurrent.futures import ThreadPoolExecutor
    import numpy as np
    import kimera_leakguard_native as klg

    ROWS, COLUMNS = 40000, 512
    file = np.lib.format.open_memmap(sys.argv[1], "w+", np.float32, (ROWS, COLUMNS))
    random = np.random.default_rng(0)
    for start in range(0, ROWS, 4000):
        file[start : start + 4000] = random.standard_normal((4000, COLUMNS), np.float32)
    file[-1] = -file[0]
    del file
    rows = np.load(sys.argv[1], mmap_mode="r")
    klg.contradiction_pairs(rows[:500], -0.5, threads=1)
    with ThreadPoolExecutor(1) as executor:
        klg.contradiction_pairs(rows[:2000], -0.5, executor=executor)  # its thread has its stack
        with open("/proc/self/status") as status:
            used = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmData"))
        # Less than half of what the rows take in memory.
        resource.setrlimit(resource.RLIMIT_DATA, (used + (36 << 20), resource.RLIM_INFINITY))
        try:
            np.array(rows)
        except MemoryError:
            print("the rows do not fit")
        for found in (
            klg.contradiction_pairs(rows, -0.5, threads=1),
            klg.contradiction_pairs(rows, -0.5, executor=executor),
        ):
            print(list(zip(found.i.tolist(), found.j.tolist())))
"""


@pytest.mark.skipif(
    _core.similarity.instruction_set() == "baseline", reason="packs 4 bytes an entry, not 1"
)
def test_mapped_rows_need_not_fit_into_memory(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MAPPED), tmp_path / "rows.npy"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["the rows do not fit", "[(0, 39999)]", "[(0, 39999)]"]
