"""Prints what a program can see of its surroundings."""

import gc
import inspect
import os
import signal
import sys
import threading
import warnings

import __main__

print("argv", sys.argv[1:], os.path.basename(sys.argv[0]))
print("path", os.path.basename(sys.path[0]), len(sys.path))
print("main", __name__, __main__.__dict__ is globals(), os.path.basename(__file__))
print("names", sorted(name for name in globals() if name.startswith("__")))
print("spec", __spec__, __package__, __doc__ is not None, type(__loader__).__name__)
print("depth", len(inspect.stack()), inspect.currentframe().f_back)
print("threads", [thread.name for thread in threading.enumerate()])
HANDLED = [one for one in signal.valid_signals() if isinstance(one, signal.Signals)]
handlers = {one.name: str(signal.getsignal(one)).split(" at ")[0] for one in HANDLED}
print("signals", handlers)
print("mask", signal.pthread_sigmask(signal.SIG_BLOCK, ()))
print("gc", gc.isenabled(), gc.get_threshold(), gc.get_freeze_count(), gc.callbacks)
print("trace", sys.gettrace(), sys.getprofile(), sys.getswitchinterval(), sys.getrecursionlimit())
print("hooks", sys.excepthook is sys.__excepthook__, sys.displayhook is sys.__displayhook__)
print("unraisable", sys.unraisablehook is sys.__unraisablehook__, threading.excepthook)
print("warnings", len(warnings.filters), sys.warnoptions, sys.flags)
print("meta", [getattr(finder, "__name__", finder) for finder in sys.meta_path])
print("streams", sys.stdin.fileno(), sys.stdout.fileno(), sys.stderr.fileno(), sys.stdout.encoding)
print("buffering", sys.stdout.line_buffering, sys.stderr.line_buffering, sys.stdout.write_through)
print("files", sorted(os.listdir("/proc/self/fd")))
print("environment", sorted(name for name in os.environ if "KLG" in name or "PYTHON" in name))
print("modules", sorted(name for name in sys.modules if "." not in name))
print("process", os.umask(0o22), os.nice(0), sorted(os.sched_getaffinity(0)))
