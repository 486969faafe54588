"""Switches between greenlets while all of them allocate."""

import greenlet


def work(number):
    total = 0
    for turn in range(200):
        rows = [f"{number}:{turn}:{row}" for row in range(50)]
        total += len(rows[-1])
        greenlet.getcurrent().parent.switch()
    return total


workers = [greenlet.greenlet(work) for _ in range(50)]
results = []
while workers:
    for number, worker in enumerate(workers):
        result = worker.switch(number) if not worker else worker.switch()
        if worker.dead:
            results.append(result)
    workers = [worker for worker in workers if not worker.dead]
print(len(results), sum(results))
