"""Print how processes end that fork, thread, reallocate and exit while they are sampled.

    python bench/stress.py [--runs 1000] [--jobs 2] [--seed 0] [--patience 60]

Each run is a process of its own, drawn by its number: a base allocator, Python's allocators alone
or C allocations too, a mean of 512 bytes to 64 KiB, up to six threads that grow and shrink lists,
dicts, strings and byte arrays, forks in any of them, restarts of the sampler, and one of five
endings. A run is right if it ends with the code that it drew; a signal is a crash, and one that
takes longer than `--patience` seconds a hang.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import os
import random
import subprocess
import sys
import threading
import time

BASES = ("pymalloc", "malloc", "debug")
ENDINGS = ("return", "exit", "os_exit", "raise", "threads_running")
CODES = {"return": 0, "exit": 7, "os_exit": 9, "raise": 1, "threads_running": 0}


def draw(number: int) -> random.Random:
    """Give the random source of a run; its first two draws are the base and the ending."""
    return random.Random(f"stress {number}")


def work(choose: random.Random, stop: threading.Event) -> None:
    """Reallocate, and fork now and then."""
    kept: list[object] = []
    while not stop.is_set():
        kind = choose.randrange(6)
        if kind == 0:
            grown: list[int] = []
            for item in range(choose.randrange(400)):
                grown.append(item)  # noqa: PERF402 - the reallocations are the point
            kept.append(grown)
        elif kind == 1:
            kept.append({f"{item}": [item] for item in range(choose.randrange(200))})
        elif kind == 2:
            text = bytearray()
            for _ in range(choose.randrange(40)):
                text += bytes(choose.randrange(2000))
            del text[choose.randrange(len(text) + 1) :]
            kept.append(text)
        elif kind == 3:
            kept.append("".join(str(item) for item in range(choose.randrange(300))))
        elif kind == 4 and choose.random() < 0.1:
            child = os.fork()
            if child == 0:
                rows = [[item] for item in range(2000)]
                os._exit(len(rows) % 7)
            if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 2000 % 7:
                os._exit(66)
        if len(kept) > 50:
            del kept[: choose.randrange(50)]


def one(number: int) -> None:
    """Be the process of one run."""
    import kimera_leakguard_native as klg

    choose = draw(number)
    choose.choice(BASES)
    ending = choose.choice(ENDINGS)
    native = choose.choice(("off", "got"))
    mean = 2 ** choose.randrange(9, 17)
    agent = choose.random() < 0.3
    klg.start(sample_bytes=mean, native=native, agent=agent)
    stop = threading.Event()
    threads = [
        threading.Thread(target=work, args=(random.Random(f"{number} {k}"), stop), daemon=True)
        for k in range(choose.randrange(7))
    ]
    for thread in threads:
        thread.start()
    for _ in range(choose.randrange(1, 4)):
        time.sleep(choose.random() * 0.05)
        klg.snapshot()
        if choose.random() < 0.5:
            klg.stop()
            klg.start(sample_bytes=mean, native=native, agent=agent)
    if ending == "threads_running":
        return
    stop.set()
    for thread in threads:
        thread.join()
    if ending == "exit":
        sys.exit(7)
    if ending == "os_exit":
        os._exit(9)
    if ending == "raise":
        raise RuntimeError("planted")


def outcome(number: int, patience: float) -> str:
    """Run one, and say how it ended."""
    choose = draw(number)
    base, ending = choose.choice(BASES), choose.choice(ENDINGS)
    command = [sys.executable, "-W", "ignore", __file__, "--one", str(number)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
            env={**os.environ, "PYTHONMALLOC": base},
        )
    except subprocess.TimeoutExpired:
        return "hang"
    if done.returncode == CODES[ending]:
        return "right"
    kind = "crash" if done.returncode < 0 else "wrong exit code"
    print(f"run {number} ({base}, {ending}): code {done.returncode}: {done.stderr[-600:]}")
    return kind


def main() -> int:
    """Run them all; 0 if all ended as they should."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="number of the first run")
    parser.add_argument("--patience", type=float, default=60.0, help="seconds until it is a hang")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        one(options.one)
        return 0
    numbers = range(options.seed, options.seed + options.runs)
    counts: collections.Counter[str] = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as executor:
        for ended in executor.map(lambda number: outcome(number, options.patience), numbers):
            counts[ended] += 1
            if counts.total() % 100 == 0:
                print(dict(counts), flush=True)
    print(
        f"{options.runs} runs: {counts['crash']} crashes, {counts['hang']} hangs, "
        f"{counts['wrong exit code']} wrong exit codes, {counts['right']} right"
    )
    return int(counts["right"] != options.runs)


if __name__ == "__main__":
    sys.exit(main())
