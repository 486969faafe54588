"""Runs a program under tracemalloc and writes what its live bytes did: the usual way to look.

    tracemalloc_diff.py REPORT [--frames N] PROGRAM ARGUMENTS...

One snapshot is taken at a third of the run (`--seconds` among the arguments) and one shortly before
its end, while all is still alive; a line that grew by 64 KiB in between is called a leak. With
`--frames` above 1 growth is put down to the innermost frame of the application: an exact oracle for
the truth, though a slow one.
"""

import collections
import json
import runpy
import site
import sys
import sysconfig
import threading
import time
import tracemalloc
from pathlib import Path

LEAST = 64 * 1024
LOOKS = (0.33, 0.95)
LIBRARIES = (
    *{sysconfig.get_path(name) for name in ("stdlib", "platstdlib")},
    *site.getsitepackages(),
)
# The bookkeeping of this script and code that is loaded late are no growth of the program.
NOT_OURS = [
    tracemalloc.Filter(inclusive=False, filename_pattern=pattern)
    for pattern in (__file__, tracemalloc.__file__, "<frozen importlib*")
]


def is_application(name):
    return not name.startswith((*LIBRARIES, "<")) and name != __file__


def live_bytes(snapshot):
    """Give the live bytes of each line: of the innermost application frame if there is one."""
    total = collections.Counter()
    for trace in snapshot.filter_traces(NOT_OURS).traces:
        frames = list(trace.traceback)[::-1]
        chosen = next((frame for frame in frames if is_application(frame.filename)), frames[0])
        total[chosen.filename, chosen.lineno] += trace.size
    return total


def sites(first, last, seconds):
    growth = {where: size - first[where] for where, size in last.items()}
    return [
        {
            "file": where[0],
            "line": where[1],
            "live_bytes": last[where],
            "growth_bytes_per_s": size / seconds,
            "verdict": "leak",
            "confidence": None,
        }
        for where, size in sorted(growth.items(), key=lambda item: -item[1])
        if size >= LEAST
    ]


def main():
    report, *arguments = sys.argv[1:]
    frames = 1
    if arguments[0] == "--frames":
        frames = int(arguments[1])
        del arguments[:2]
    program = arguments[0]
    seconds = float(arguments[arguments.index("--seconds") + 1])
    sys.argv = arguments
    sys.path[0] = str(Path(program).parent)
    looks = []

    def look():
        looks.append((time.monotonic(), live_bytes(tracemalloc.take_snapshot())))

    timers = [threading.Timer(seconds * part, look) for part in LOOKS]
    tracemalloc.start(frames)
    for timer in timers:
        timer.daemon = True
        timer.start()
    runpy.run_path(program, run_name="__main__")
    for timer in timers:
        timer.join()
    tracemalloc.stop()
    (early, first), (late, last) = looks
    grown = sites(first, last, late - early)
    application = [[*where, size] for where, size in last.items() if is_application(where[0])]
    document = {
        "process_verdict": "leak" if grown else "clean",
        "sites": grown,
        "live": sorted(application, key=lambda entry: -entry[2])[:100],
    }
    Path(report).write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    main()
