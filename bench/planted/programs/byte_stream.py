"""Uploads are appended to a BytesIO that is never truncated."""

import io
import json
import zlib

from traffic import Traffic


def main():
    spool = io.BytesIO()
    sent = 0
    for request in Traffic(per_second=40):
        order = json.loads(request.body)
        packed = zlib.compress(json.dumps(order).encode())
        spool.write(packed)  # leak
        sent += len(packed)
    print(f"{sent} bytes sent, {spool.tell()} spooled")


if __name__ == "__main__":
    main()
