"""A cache without a limit is keyed by callables or other objects.

## What it does
Reports functions under `functools.cache` or `lru_cache(maxsize=None)` with a parameter that is
called, is annotated as a callable, or is called what people call callables and live objects. Silent
where the project calls `cache_clear()`.

## Why is this bad?
Closures, bound methods and partials are new objects each time. Every one of them becomes a key that
is never looked up again and never dropped, and it holds what it captured.

## Example
```python
@functools.lru_cache(maxsize=None)
def signature_of(func):
    return inspect.signature(func)
```

Use instead:
```python
@functools.lru_cache(maxsize=1000)
def signature_of(func):
    return inspect.signature(func)
```
"""

CODE = "KLG202"
NAME = "unbounded-object-cache"
HELP = "give the cache a maxsize, or key it weakly (weakref.WeakKeyDictionary)"
