"""A task is started and nothing keeps it.

## What it does
Follows the tasks that `asyncio.create_task`, `asyncio.ensure_future`, `asyncio.gather` and the
`create_task` of an event loop start, and reports one whose result is dropped, or is only in a local
variable that goes before anybody has waited for it. So is one that a loop starts as a callback
(`call_soon(asyncio.ensure_future, …)`, a lambda for `add_signal_handler`), whose result loops throw
away, and one that a function hands on without keeping it: a private one to callers of which none
takes it, a method to one of its own class that drops it. A task of a `TaskGroup`, one that is
stored, returned, awaited, cancelled or, in the function that starts it, watched by a callback, and
one whose variable lives across a later `await`, is none.

## Why is this bad?
The event loop refers to its tasks weakly. A task that nothing else refers to may be collected in
the middle of its work, with whatever it holds, and its exceptions are seen by nobody.

## Example
```python
async def handle(request):
    asyncio.create_task(audit(request))
    return "done"
```

Use instead:
```python
async def handle(request):
    task = asyncio.create_task(audit(request))
    background.add(task)
    task.add_done_callback(background.discard)
    return "done"
```
"""

CODE = "KLG401"
NAME = "dangling-task"
HELP = "await it, start it in a TaskGroup, or keep it in a set that it leaves when it is done"
