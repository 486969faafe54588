"""All pairs on real Dask workers, one of which is killed in the middle."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import textwrap

import pytest

PROGRAM = """
    import os, signal, sys, threading, time
    import numpy as np
    from distributed import Client, LocalCluster
    from kimera_leakguard_native.engines.contradiction.pairs import contradiction_pairs

    def main(file):
        rows = np.load(file, mmap_mode="r")
        expected = contradiction_pairs(rows, -0.25)
        with LocalCluster(n_workers=2, threads_per_worker=1, processes=True,
                          dashboard_address=None, silence_logs=50) as cluster, \\
                Client(cluster) as client:
            pids = list(client.run(os.getpid).values())
            assert len(set(pids)) == 2 and os.getpid() not in pids
            killed = []

            def kill():
                while not client.processing() or not any(client.processing().values()):
                    time.sleep(0.01)
                os.kill(pids[0], signal.SIGKILL)
                killed.append(pids[0])

            killer = threading.Thread(target=kill)
            killer.start()
            found = contradiction_pairs(rows, -0.25, executor=client.get_executor())
            killer.join()
            later = set(client.run(os.getpid).values())
            assert killed and killed[0] not in later, (killed, later)
        assert len(found.i) > 100, len(found.i)
        for ours, theirs in zip(found, expected):
            assert np.array_equal(ours, theirs)
        print("complete", len(found.i))

    if __name__ == "__main__":
        main(sys.argv[1])
"""


@pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None,
    reason="Dask Distributed is not installed: pip install distributed",
)
def test_a_killed_worker_costs_nothing_but_time(tmp_path):
    import numpy as np

    rows = np.random.default_rng(0).normal(size=(12_000, 96)).astype(np.float32)
    np.save(tmp_path / "rows.npy", rows)
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    done = subprocess.run(
        [sys.executable, program, tmp_path / "rows.npy"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.startswith("complete")
