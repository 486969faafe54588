"""Something registers with an object that lives longer, and is never taken back.

## What it does
Reports instances that register their own methods with a listener list, a subject or `atexit` that
comes from outside, where the file never calls the counterpart (`remove_listener`, `unsubscribe`,
…); strong signal receivers (`weak=False`); log handlers added by each instance; and calls that
throw away the function that would take a registration back; methods that are added to a list of
callbacks of another object and never taken out; and helpers that add a handler to a logger. Reports
instances too that go into a registry of the process (`os.register_at_fork`, `gc.callbacks`,
`sys.meta_path`, …).

## Why is this bad?
The registry keeps the callback, the callback its instance. What should have died with a request, a
view or a connection lives as long as the registry, and goes on being called.

## Example
```python
class View:
    def __init__(self, model):
        self.model = model
        model.add_listener(self.redraw)

    def redraw(self):
        paint(self)
```

Use instead:
```python
class View:
    def __init__(self, model):
        self.model = model
        model.add_listener(self.redraw)

    def redraw(self):
        paint(self)

    def close(self):
        self.model.remove_listener(self.redraw)
```
"""

CODE = "KLG205"
NAME = "unremoved-registration"
HELP = "take it back when the object is closed, or register weakly (weakref.WeakMethod)"
