"""A worker takes half of what producers put into its queue, so that the queue grows for ever."""

import json
import queue
import threading
import time

from traffic import Traffic

JOBS = queue.Queue()


def work(pause, done):
    while True:
        job = JOBS.get()
        done.append(len(job["items"]))
        if len(done) > 100:
            del done[:50]
        time.sleep(pause)


def main():
    traffic = Traffic(per_second=40, items=20)
    threading.Thread(target=work, args=(2 / traffic.per_second, []), daemon=True).start()
    for request in traffic:
        JOBS.put(json.loads(request.body))  # leak
    print(f"{JOBS.qsize()} jobs waiting")


if __name__ == "__main__":
    main()
