"""A task goes on after nobody waits for it any more.

## What it does
Reports a task that is given to an `asyncio.wait` which may return before it is done
(`FIRST_COMPLETED`, `FIRST_EXCEPTION`, a timeout), where the pending set is not looked at and
nothing else cancels or awaits the task. Reports too a task of an endless method that an object
keeps in an attribute which nothing reads, so that its `close()` (`stop`, `shutdown`, `__aexit__`,
…) cannot cancel it; and a task in an attribute that the end of its class (`close()`,
`connection_lost()`, …) forgets, though it cancels others and another method cancels this one.

## Why is this bad?
`asyncio.wait` cancels nothing. Each time it returns early it leaves tasks behind that wait on, with
all they hold; in a loop they add up. A task that outlives its owner keeps the owner alive.

## Example
```python
async def relay(queue, stopped):
    while True:
        await asyncio.wait(
            {asyncio.create_task(queue.get()), asyncio.create_task(stopped.wait())},
            return_when=asyncio.FIRST_COMPLETED,
        )
```

Use instead:
```python
async def relay(queue, stopped):
    while True:
        done, pending = await asyncio.wait(
            {asyncio.create_task(queue.get()), asyncio.create_task(stopped.wait())},
            return_when=asyncio.FIRST_COMPLETED,
        )
        for task in pending:
            task.cancel()
```
"""

CODE = "KLG402"
NAME = "pending-task"
HELP = "cancel what is still pending, or keep it and wait for it again"
