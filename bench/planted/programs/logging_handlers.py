"""Every job adds a handler to the same logger and leaves it there."""

import io
import json
import logging

from traffic import Traffic

LOG = logging.getLogger("jobs")


def run_job(request):
    stream = io.StringIO()  # leak
    handler = logging.StreamHandler(stream)  # leak
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))  # leak
    LOG.addHandler(handler)  # leak
    order = json.loads(request.body)
    if request.number % 40 == 0:
        LOG.warning("job %d of %s", request.number, order["user"])  # leak
    return len(order["items"])


def main():
    LOG.propagate = False
    done = sum(run_job(request) for request in Traffic(per_second=20))
    print(f"{done} items, {len(LOG.handlers)} handlers")


if __name__ == "__main__":
    main()
