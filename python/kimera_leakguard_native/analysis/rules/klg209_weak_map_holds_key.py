"""A value of a weak map holds the key that it is stored under.

## What it does
Looks at what is stored in each `weakref.WeakKeyDictionary`: the key itself, one of its bound
methods, a lambda, nested function, tuple or partial that holds it, or an object that is made from
it; for event loops any object that is made for one, which mostly refers to its loop. In the default
output where the file shows that the value holds the key.

## Why is this bad?
The map holds its values, the value holds its key, so the key never dies and the entry stays for
good: the map is no longer weak.

## Example
```python
_wrappers = weakref.WeakKeyDictionary()


def wrapper_of(loop):
    if loop not in _wrappers:
        _wrappers[loop] = functools.partial(run, loop)
    return _wrappers[loop]
```

Use instead:
```python
_wrappers = weakref.WeakKeyDictionary()


def wrapper_of(loop):
    if loop not in _wrappers:
        _wrappers[loop] = functools.partial(run, weakref.ref(loop))
    return _wrappers[loop]
```
"""

CODE = "KLG209"
NAME = "weak-map-holds-key"
HELP = "let the value hold the key weakly (weakref.ref), or store it on the key itself"
