"""Runs code that allocates in sub-interpreters."""

import sys

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

CODE = """
rows = [{"row": row, "text": str(row) * 20} for row in range(20000)]
del rows[::2]
"""
for _ in range(5):
    identity = interpreters.create()
    if hasattr(interpreters, "exec"):
        interpreters.exec(identity, CODE)
    else:
        interpreters.run_string(identity, CODE)
    interpreters.destroy(identity)
kept = [bytes(1000) for _ in range(5000)]
print(len(kept), sys.getallocatedblocks() > 5000)
