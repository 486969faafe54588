"""Each request waits for a shutdown future with a callback that is never taken off again."""

import asyncio
import json

from traffic import Traffic


async def handle(request, closing):
    order = json.loads(request.body)  # leak
    closing.add_done_callback(lambda _: order.clear())  # leak
    await asyncio.sleep(0)
    return len(order["items"])


async def serve():
    closing = asyncio.get_running_loop().create_future()
    handled = 0
    async for request in Traffic(per_second=30, items=20):
        handled += await handle(request, closing)
    return handled


def main():
    print(f"{asyncio.run(serve())} items")


if __name__ == "__main__":
    main()
