"""Tasks that live for a while and then end; about as many start as end."""

import asyncio
import json

from traffic import Traffic


async def session(order, seconds, finished):
    basket = [item for item in order["items"] if item["price"] > 0.5]
    await asyncio.sleep(seconds)
    finished.append(len(basket))


async def serve():
    traffic = Traffic(per_second=40)
    tasks, finished, total = set(), [], 0
    async for request in traffic:
        seconds = traffic.seconds * traffic.random.uniform(0.02, 0.1)
        task = asyncio.create_task(session(json.loads(request.body), seconds, finished))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        total += sum(finished)
        finished.clear()
    print(f"{total} items sold, {len(tasks)} sessions open")


if __name__ == "__main__":
    asyncio.run(serve())
