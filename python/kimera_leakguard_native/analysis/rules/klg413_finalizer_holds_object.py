"""A weakref.finalize holds the object that it waits for.

## What it does
Reports `weakref.finalize(x, f, …)` where `f` is a method of `x` or captures `x`, or where `x` is
among the arguments.

## Why is this bad?
The callback and its arguments are held until it has run, and it runs when the object dies: the
object lives until the interpreter exits, and so does every further one. Proven by construction, so
part of the default output.

## Example
```python
class Workspace:
    def __init__(self, path):
        self.path = path
        weakref.finalize(self, self.remove)
```

Use instead:
```python
class Workspace:
    def __init__(self, path):
        self.path = path
        weakref.finalize(self, shutil.rmtree, path)
```
"""

CODE = "KLG413"
NAME = "finalizer-holds-object"
HELP = "give it a function and plain values that do not lead to the object"
