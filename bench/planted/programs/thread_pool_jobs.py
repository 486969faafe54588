"""Jobs go through a thread pool; their results are collected and dropped."""

import collections
import concurrent.futures
import json

from traffic import Traffic


def job(body):
    return sorted(json.loads(body)["items"], key=lambda item: item["text"])


def main():
    rows, waiting = 0, collections.deque()
    with concurrent.futures.ThreadPoolExecutor(4) as executor:
        for request in Traffic(per_second=40):
            waiting.append(executor.submit(job, request.body))
            if len(waiting) > 20:
                rows += len(waiting.popleft().result())
    print(f"{rows} rows, {len(waiting)} not looked at")


if __name__ == "__main__":
    main()
