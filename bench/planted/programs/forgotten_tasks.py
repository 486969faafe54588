"""Every request starts a task that waits for a reply that never comes."""

import asyncio
import json

from traffic import Traffic

PENDING = set()


async def wait_for_reply(order):
    reply = asyncio.get_running_loop().create_future()  # leak
    await reply
    return order


async def serve():
    async for request in Traffic(per_second=40, items=20):
        PENDING.add(asyncio.create_task(wait_for_reply(json.loads(request.body))))  # leak
        await asyncio.sleep(0)
    print(f"{len(PENDING)} replies outstanding")


if __name__ == "__main__":
    asyncio.run(serve())
