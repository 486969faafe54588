"""Closes every descriptor, as daemons do, and opens its own with the same numbers."""

import os
import sys
import tempfile
import time

os.closerange(3, 4096)
with tempfile.TemporaryDirectory() as folder:
    files = [open(os.path.join(folder, f"{n}.log"), "w+b") for n in range(40)]  # noqa: SIM115
    kept = []
    for turn in range(25):
        kept.append([bytes(1000) for _ in range(1000)])
        for number, file in enumerate(files):
            file.write(b"%d %d\n" % (number, turn))
            file.flush()
        time.sleep(0.1)
    bad = 0
    for number, file in enumerate(files):
        file.seek(0)
        bad += file.read() != b"".join(b"%d %d\n" % (number, turn) for turn in range(25))
        file.close()
print("damaged files:", bad)
sys.exit(bad)
