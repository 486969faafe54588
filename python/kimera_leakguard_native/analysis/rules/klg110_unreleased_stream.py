"""An asyncio stream, server or event loop is not closed on some path.

## What it does
Follows the writer that `asyncio.open_connection` gives, servers of `asyncio.start_server`, new
event loops, and the streams and files of anyio, trio and aiofiles along all paths of the
function, and reports a path on which one is neither closed, nor returned, nor handed to an owner.
Each `await` in between is a place where the task may be cancelled.

## Why is this bad?
The transport keeps the socket open and registered with the loop, so that no garbage collector comes
to it. An event loop that is not closed keeps its selector and a pair of sockets.

## Example
```python
async def ask(host, port):
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"?")
    return await reader.readline()
```

Use instead:
```python
async def ask(host, port):
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(b"?")
        return await reader.readline()
    finally:
        writer.close()
```
"""

CODE = "KLG110"
NAME = "unreleased-stream"
HELP = "close it in a finally clause"
