"""Threads that allocate, fork and wait, all at once."""

import os
import sys
import threading

codes = []


def work(number):
    for turn in range(6):
        kept = [f"{number}:{turn}:{row}" for row in range(3000)]
        child = os.fork()
        if child == 0:
            more = [[row] for row in range(5000)]
            os._exit((len(kept) + len(more)) % 100 + 1)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(codes), set(codes))
sys.exit(sum(codes) != len(codes))
