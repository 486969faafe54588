"""Copies standard input to standard output, and counts."""

import sys

count = 0
for line in sys.stdin:
    count += 1
    print(line.rstrip().upper())
print(count, sys.stdin.isatty())
