"""A variable keeps an exception, a traceback or a frame that keeps the variable.

## What it does
Reports a local variable that is bound to a caught exception and raised later, to the traceback of
`sys.exc_info()` inside the handler, or to the function's own frame, where the function never
deletes it and never sets it to None. So is what another function has returned and this one raises,
an error of its own that it puts data on, and a `concurrent.futures` future whose `result()` it asks
for.

## Why is this bad?
Traceback, frame and variable form a cycle. Everything that the frame and its callers refer to lives
until the garbage collector runs, which may be long after and costs more than reference counting.

## Example
```python
def first(addresses):
    last = None
    for address in addresses:
        try:
            return connect(address)
        except OSError as error:
            last = error
    raise last
```

Use instead:
```python
def first(addresses):
    last = None
    for address in addresses:
        try:
            return connect(address)
        except OSError as error:
            last = error
    try:
        raise last
    finally:
        last = None
```
"""

CODE = "KLG411"
NAME = "exception-cycle"
HELP = "delete the variable, or set it to None, in a finally clause"
