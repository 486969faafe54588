"""Patches the standard library for gevent, then allocates in many greenlets, threads and timers."""

import gevent.monkey

gevent.monkey.patch_all()

import threading  # noqa: E402
import time  # noqa: E402

import gevent.pool  # noqa: E402
import gevent.threadpool  # noqa: E402

results = []


def work(number):
    rows = [f"{number}:{row}" for row in range(500)]
    time.sleep(0.001)
    results.append(sum(map(len, rows)))


gevent.pool.Pool(50).map(work, range(300))
real = gevent.threadpool.ThreadPool(4)
real.map(work, range(40))
threads = [threading.Thread(target=work, args=(number,)) for number in range(40)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(results), sum(results))
