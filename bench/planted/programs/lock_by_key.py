"""A lock for every order, so that no two threads work on the same one; none is ever dropped."""

import json
import threading

from traffic import Traffic

LOCKS = {}
GUARD = threading.Lock()


def lock_of(key):
    with GUARD:
        if key not in LOCKS:
            LOCKS[key] = threading.Condition()  # leak
        return LOCKS[key]


def main():
    done = 0
    for request in Traffic(per_second=40):
        for item in json.loads(request.body)["items"][:10]:  # leak
            with lock_of((request.number, item["sku"])):  # leak
                done += 1
    print(f"{done} done, {len(LOCKS)} locks")


if __name__ == "__main__":
    main()
