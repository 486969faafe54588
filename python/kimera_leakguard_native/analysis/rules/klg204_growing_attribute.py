"""A container of a long-lived object only ever grows.

## What it does
Takes the empty containers that constructors make, in classes that live long by their base, their
lock, or their methods (`start`, `close`, `acquire`, …). Reports a statement that adds to one in a
method that is called again and again, where nothing in the project removes, empties, rebinds or
measures the container, or hands it on; what only the end of its owner empties (`close()`,
`__exit__`) counts as kept. A list of tasks or threads that are started again and again is reported
whatever the class is. Whatever the class is, reports a container that is filled beside another one
of the same object, under the same key, of which only the other one is emptied; and a list of
objects that an attribute holds one after the other. Reports a table of lists, sets or locks whose
entries are emptied and never taken out; an entry that a function adds and removes again, but not
where the work in between raises; and one that it waits for with a time limit, where nothing takes
it out after the time-out.

## Why is this bad?
Requests come and go, the object stays. What each of them leaves behind adds up until the object
dies, and for servers and pools that is the end of the process.

## Example
```python
class Semaphore:
    def __init__(self):
        self.waiters = collections.deque()

    def acquire(self):
        waiter = Future()
        self.waiters.append(waiter)
        return waiter

    def release(self):
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)
                return
```

Use instead:
```python
class Semaphore:
    def __init__(self):
        self.waiters = collections.deque()

    def acquire(self):
        waiter = Future()
        self.waiters.append(waiter)
        return waiter

    def release(self):
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
```
"""

CODE = "KLG204"
NAME = "growing-attribute"
HELP = "remove entries when their work is done, or give the container a limit"
