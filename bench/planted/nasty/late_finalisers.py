"""Objects that allocate and print while the interpreter shuts down."""

import atexit
import sys


class Late:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        rows = [f"{self.name}:{row}" for row in range(20_000)]
        sys.__stdout__.write(f"{self.name} {len(rows)}\n")


kept = Late("module global")
builtin = Late("kept by sys")
sys.kept_by_a_test = builtin
del builtin
atexit.register(lambda: [bytes(1000) for _ in range(10_000)])
print("end of main")
