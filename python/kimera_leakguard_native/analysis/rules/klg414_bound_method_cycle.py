"""An object keeps a bound method of its own, or a closure around itself.

## What it does
Reports `x.attr = x.method` on local objects, `x.attr = types.MethodType(f, x)`, weak references
kept by an instance whose callback is a method of that instance, and attributes that hold a lambda
or a nested function which takes the object from around it. So are methods of the instance in an
attribute of its own or of one of its parts (`self.write = self.write_text`), unless the end of the
object lets go of it.

## Why is this bad?
A bound method holds its object, so the object holds itself. It does not die with its last user, but
when the garbage collector comes by: for results of tasks and other large objects that is a visible
delay.

## Example
```python
def submit(client, work):
    future = client.submit(work)
    future.get = future.result
    return future
```

Use instead:
```python
def submit(client, work):
    future = client.submit(work)
    reference = weakref.ref(future)
    future.get = lambda: reference().result()
    return future
```
"""

CODE = "KLG414"
NAME = "bound-method-cycle"
HELP = "hold the object weakly (weakref.ref, weakref.WeakMethod), or define the alias on its class"
