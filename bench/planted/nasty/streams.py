"""Says which standard streams it has, on one that is there, and uses those that it has."""

import sys

answer = [(name, getattr(sys, name) is not None) for name in ("stdin", "stdout", "stderr")]
for stream in (sys.stdout, sys.stderr):
    if stream is not None:
        print(answer, file=stream, flush=True)
if sys.stdin is not None:
    print(repr(sys.stdin.read(100)), file=sys.stdout or sys.stderr)
