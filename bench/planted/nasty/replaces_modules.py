"""Replaces and removes entries of sys.modules that a watcher might rely on."""

import sys
import types

for name in ("json", "os", "signal", "threading", "time", "struct", "zlib", "atexit", "traceback"):
    sys.modules[name] = types.ModuleType(name)
for name in [
    name for name in sys.modules if name.split(".")[0] in ("runpy", "pathlib", "linecache")
]:
    sys.modules[name] = None
kept = [f"entry {number}" for number in range(200_000)]
print(len(kept), sys.modules["json"].__name__)
