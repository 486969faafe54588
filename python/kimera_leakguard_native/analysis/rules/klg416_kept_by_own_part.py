"""An object keeps something that keeps it.

## What it does
Reports an instance that is put into its own containers, alone or inside a tuple, a list or a
`partial`, or into an attribute of its own, and a part of it that it gives itself to
(`self.part.owner = self`). Reports a part that the constructor makes and that keeps the instance as
an argument, by a class of the same file or of another one; in classes that are closed (`close`,
`stop`, `__exit__`, …) also one that is given a bound method or a lambda. Silent where something of
the file lets the part go again.

## Why is this bad?
Such an object does not die with its last user. It waits for the garbage collector, with its
buffers, connections and everything else that it refers to.

## Example
```python
class Engine:
    def __init__(self):
        self.handlers = []

    def on(self, handler, *args):
        self.handlers.append((handler, (self, *args)))

    def close(self):
        self.handlers = []
```

Use instead:
```python
class Engine:
    def __init__(self):
        self.handlers = []

    def on(self, handler, *args):
        self.handlers.append((handler, args))

    def fire(self):
        for handler, args in self.handlers:
            handler(self, *args)
```
"""

CODE = "KLG416"
NAME = "kept-by-own-part"
HELP = (
    "hold the object weakly, pass it when it is needed, or drop the part when the object is closed"
)
