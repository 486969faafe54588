"""Replaces itself by another program."""

import os
import sys

kept = [bytes(1000) for _ in range(10_000)]
print(len(kept), flush=True)
os.execv(sys.executable, [sys.executable, "-c", "import sys; print('after exec'); sys.exit(9)"])
