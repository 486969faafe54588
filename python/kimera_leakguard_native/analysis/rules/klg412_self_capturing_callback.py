"""A callback captures the object that it is registered on.

## What it does
Reports `x.add_done_callback(f)` and its like, and helpers called `…add_done_callback(x, f)`, where
`f` is a lambda, a nested function or a partial that holds `x`.

## Why is this bad?
The object keeps the callback and the callback the object, with the result and all that the callback
captures. Only the garbage collector ends such a cycle; for a future that never finishes nothing
does before.

## Example
```python
def watch(future, log):
    future.add_done_callback(lambda _: log(future.result()))
```

Use instead:
```python
def watch(future, log):
    future.add_done_callback(lambda done: log(done.result()))
```
"""

CODE = "KLG412"
NAME = "self-capturing-callback"
HELP = "use the argument that the callback is given instead of the variable around it"
