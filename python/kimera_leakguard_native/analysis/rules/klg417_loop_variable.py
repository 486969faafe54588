"""A thread waits while its loop variable still holds the last object.

## What it does
Looks at the endless loops of threads: `while` loops in `run()`, `worker()`, `_loop()` and their
like that wait (`wait`, `sleep`, a queue's `get`). Reports a variable that is taken from the queue,
or that an inner loop runs over objects with, where nothing deletes it or sets it to None before the
loop waits again.

## Why is this bad?
The frame of a thread lives as long as the thread. Its variables hold the last request, job or
widget, with all that those refer to, until the next one comes: on a quiet day that is hours.

## Example
```python
class Worker(threading.Thread):
    def run(self):
        while True:
            job = self.queue.get()
            job.execute()
```

Use instead:
```python
class Worker(threading.Thread):
    def run(self):
        while True:
            job = self.queue.get()
            job.execute()
            del job
```
"""

CODE = "KLG417"
NAME = "loop-variable"
HELP = "delete the variable at the end of each pass, or do the work of a pass in a function"
