"""A container of the module or of a class only ever grows.

## What it does
Takes every empty list, dict, set and deque without a limit that a module or a class body makes, and
looks at all that the project does with it. Reports a statement in a function that adds what the
function was called with, where nothing removes, empties, rebinds or measures the container, or
hands it on. So are instances that become keys, and tables that are filled under `id(x)` or `x.id`
and emptied under `x`. Silent for keys that the program's text limits (constants, types, names of
classes) and for functions that register something. Reports also entries that are emptied and stay
under their keys, entries of `linecache.cache`, and loggers whose name is new each time. Part of the
default output where each addition is new by construction: instances that add themselves, keys from
`id()`, `uuid4()`, counters or clocks.

## Why is this bad?
The container lives as long as the process, and so does everything in it. What a request puts there
is never given back: memory grows with traffic, and keys chosen by clients make it an attack.

## Example
```python
_titles = {}


def title_of(name):
    if name not in _titles:
        _titles[name] = name.title()
    return _titles[name]
```

Use instead:
```python
@functools.lru_cache(maxsize=1000)
def title_of(name):
    return name.title()
```
"""

CODE = "KLG203"
NAME = "growing-global"
HELP = "bound it (functools.lru_cache, deque(maxlen=…)), hold weakly, or remove entries when done"
