"""A cache of functools on a method keeps its instances alive.

## What it does
Reports `functools.lru_cache` and `functools.cache` on methods that take the instance, `cached({})`
of cachetools, and decorators of the same file that store under all arguments in a table without a
limit. Silent for static and class methods, enums, metaclasses, singletons, classes that the module
makes one instance of, named tuples and frozen data classes with a limited cache, and where the
project calls the method's `cache_clear()`. Part of the default output where the
cache has no limit and a function of the file makes instances.

## Why is this bad?
The cache belongs to the class and its keys hold the instance: with everything that it refers to,
the instance lives as long as the class, or until newer calls push it out.

## Example
```python
class Report:
    @functools.cache
    def rows(self):
        return parse(self.path)
```

Use instead:
```python
class Report:
    @functools.cached_property
    def rows(self):
        return parse(self.path)
```
"""

CODE = "KLG201"
NAME = "cached-method"
HELP = (
    "use functools.cached_property, or make the cache in __init__ so that it dies with the instance"
)
