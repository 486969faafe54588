"""Shared buffers are mapped for every few requests and never unmapped."""

import json
import mmap

from traffic import Traffic

BUFFERS = []


def main():
    written = 0
    for request in Traffic(per_second=40):
        items = json.dumps(json.loads(request.body)["items"]).encode()
        if request.number % 4 == 0:
            buffer = mmap.mmap(-1, 64 * 1024)  # leak
            for start in range(0, len(buffer), 4096):
                buffer[start : start + 64] = items[:64]
            BUFFERS.append(buffer)
            written += len(items)
    print(f"{written} bytes in {len(BUFFERS)} buffers")


if __name__ == "__main__":
    main()
