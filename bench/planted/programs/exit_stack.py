"""Clean-up is pushed on an exit stack that lives as long as the service."""

import contextlib
import json

from traffic import Traffic


def release(order, log):
    log.append(len(order))


def main():
    log = []
    with contextlib.ExitStack() as stack:
        for request in Traffic(per_second=30, items=20):
            order = json.loads(request.body)  # leak
            stack.callback(release, order, log)  # leak
    print(f"{len(log)} orders released, at the very end")


if __name__ == "__main__":
    main()
