"""Memory that runs out in the middle of a call is an error, and nothing is corrupted."""

import subprocess
import sys
import textwrap

import pytest

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
