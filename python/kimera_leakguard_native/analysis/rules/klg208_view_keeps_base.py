"""A small view keeps the large object that it looks into.

## What it does
Reports slices of arrays (numpy, torch, OpenCV, `memoryview`) that a loop collects while it makes a
new array each time, or that an instance keeps; and `keys()`, `values()` or `items()` of a
dictionary stored on an instance. Silent where the slice is copied.

## Why is this bad?
A slice copies nothing: as long as a few elements of it are kept, the whole array is, and the loop
keeps one for each pass. The view of a dictionary keeps its values too.

## Example
```python
def heads(paths):
    found = []
    for path in paths:
        table = numpy.load(path)
        found.append(table[:10])
    return found
```

Use instead:
```python
def heads(paths):
    found = []
    for path in paths:
        table = numpy.load(path)
        found.append(table[:10].copy())
    return found
```
"""

CODE = "KLG208"
NAME = "view-keeps-base"
HELP = "keep a copy: array[...].copy(), bytes(view), list(mapping)"
