"""Forks a hundred children, some beside running threads; each allocates and ends in its own way."""

import os
import sys
import threading
import time

stop = threading.Event()


def churn():
    while not stop.is_set():
        [bytes(700) for _ in range(200)]
        time.sleep(0.002)


threads = [threading.Thread(target=churn) for _ in range(3)]
for thread in threads:
    thread.start()
codes = []
for number in range(100):
    child = os.fork()
    if child == 0:
        kept = [[number] * 50 for _ in range(2000)]
        if number % 2:
            os._exit(len(kept) % 200)
        sys.exit(number % 7)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
stop.set()
for thread in threads:
    thread.join()
print(codes)
