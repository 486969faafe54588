"""A user of sys.settrace, sys.setprofile and threading.settrace: counts calls and lines."""

import sys
import threading

counts = {}


def tracer(frame, event, _argument):
    if frame.f_code.co_filename == __file__:
        counts[event] = counts.get(event, 0) + 1
    return tracer


def work(depth):
    rows = [[depth] * 10 for _ in range(20)]
    return len(rows) + (work(depth - 1) if depth else 0)


print(sys.gettrace(), sys.getprofile())
sys.settrace(tracer)
threading.settrace(tracer)
total = work(50)
thread = threading.Thread(target=work, args=(30,))
thread.start()
thread.join()
sys.settrace(None)
threading.settrace(None)
seen = dict(counts)
sys.setprofile(tracer)
work(20)
sys.setprofile(None)
print(total, sorted(seen.items()), counts["return"])
