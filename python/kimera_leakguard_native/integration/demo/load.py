"""Load for the demo service, from a process of its own: ``python -m … PORT SECONDS RATE``."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import sys
import time

_CONNECTIONS = 4


async def load(port: int, seconds: float, rate: float) -> dict[str, int]:
    """Send requests at a steady rate over several connections; count what came of them.

    SIGTERM ends it early, after the answers that are under way.
    """
    counts = {"sent": 0, "ok": 0, "failed": 0}
    numbers = itertools.count()
    end = time.monotonic() + seconds
    asked_to_end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked_to_end.set)

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        due = time.monotonic()
        while time.monotonic() < end and not asked_to_end.is_set():
            number = next(numbers)
            counts["sent"] += 1
            writer.write(b"GET /decide/%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % number)
            status = await reader.readline()
            length = 0
            while (header := await reader.readline()).strip():
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            body = json.loads(await reader.readexactly(length))
            right = status.startswith(b"HTTP/1.1 200") and body["request"] == number
            counts["ok" if right else "failed"] += 1
            due += _CONNECTIONS / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        writer.close()

    async def guarded() -> None:
        try:
            await client()
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            counts["failed"] += 1

    await asyncio.gather(*(guarded() for _ in range(_CONNECTIONS)))
    return counts


if __name__ == "__main__":
    print(json.dumps(asyncio.run(load(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))))
