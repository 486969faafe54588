"""A mutable default value collects what each call leaves in it.

## What it does
Reports a statement that adds to a parameter whose default is an empty list, dict or set, or an
object that is made from a class without arguments, in functions that neither replace nor shrink it.

## Why is this bad?
The default is made once, when the function is defined, and lives as long as the function. Every
call without that argument adds to the same object; as a hidden cache it has no limit and no way to
be cleared.

## Example
```python
def collect(row, rows=[]):
    rows.append(row)
    return rows
```

Use instead:
```python
def collect(row, rows=None):
    rows = [] if rows is None else rows
    rows.append(row)
    return rows
```
"""

CODE = "KLG206"
NAME = "growing-default"
HELP = "default to None and make the container in the function, or use functools.lru_cache"
