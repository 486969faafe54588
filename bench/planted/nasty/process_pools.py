"""multiprocessing with each start method, a manager and a shared queue."""

import multiprocessing
import sys


def square(number):
    kept = [[number] * 20 for _ in range(2000)]
    return number * number + len(kept) % 2


def put(queue, number):
    queue.put(square(number))


def main():
    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        with context.Pool(2) as pool:
            print(method, pool.map(square, range(20)))
        with context.Manager() as manager:
            shared = manager.dict({"n": 1})
            shared["n"] += 1
            print(dict(shared))
        queue = context.Queue()
        process = context.Process(target=put, args=(queue, 9))
        process.start()
        print(queue.get(), process.join(), process.exitcode)
    sys.exit(3)


if __name__ == "__main__":
    main()
