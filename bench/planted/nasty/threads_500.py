"""Five hundred threads alive at once, all allocating."""

import threading

started = threading.Barrier(501)
results = []


def work(number):
    started.wait()
    rows = [{"row": row, "text": f"{number}:{row}"} for row in range(200)]
    results.append(sum(len(row["text"]) for row in rows))


threads = [threading.Thread(target=work, args=(number,)) for number in range(500)]
for thread in threads:
    thread.start()
started.wait()
for thread in threads:
    thread.join()
print(len(results), sum(results))
