"""Asynchronous readers are abandoned after their first row and stay in a table of streams."""

import asyncio
import json

from traffic import Traffic

STREAMS = []


async def rows(items):
    for item in items:
        yield item
        await asyncio.sleep(0)


async def serve():
    total = 0.0
    async for request in Traffic(per_second=40, items=20):
        stream = rows(json.loads(request.body)["items"])  # leak
        total += (await anext(stream))["price"]  # leak
        STREAMS.append(stream)  # leak
    print(f"{total:.2f} from {len(STREAMS)} streams")


if __name__ == "__main__":
    asyncio.run(serve())
