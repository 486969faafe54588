"""An exception in a thread, one in a finaliser, and one in a forgotten task."""

import asyncio
import gc
import threading


class Loud:
    def __del__(self):
        raise ValueError("in __del__")


async def main():
    task = asyncio.create_task(asyncio.sleep(0, 1 / 1))
    await asyncio.sleep(0)
    del task


thread = threading.Thread(target=lambda: 1 // 0, name="worker")
thread.start()
thread.join()
Loud()
gc.collect()
asyncio.run(main())
print("main goes on")
