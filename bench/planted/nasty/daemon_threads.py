"""Ends while daemon threads allocate, in Python and in C without the GIL."""

import hashlib
import threading
import zlib


def churn():
    while True:
        [{"entry": entry} for entry in range(1000)]


def squeeze():
    data = bytes(range(256)) * 4000
    while True:
        hashlib.sha256(zlib.compress(data)).hexdigest()


for work in (churn, churn, squeeze, squeeze):
    threading.Thread(target=work, daemon=True).start()
kept = [bytes(600) for _ in range(100_000)]
print(len(kept))
