"""A file, archive or temporary file is opened and not closed on some path.

## What it does
Follows every call that opens a file object (`open`, `Path.open`, `os.fdopen`, `gzip.open`,
`tarfile.open`, `zipfile.ZipFile`, `tempfile.TemporaryFile`, …) along all paths of the function,
and reports a path on which the object is neither closed, nor returned, nor handed to an owner.

## Why is this bad?
The descriptor stays open until the garbage collector finds the object: at once in CPython if
nothing else refers to it, later in a reference cycle or while a traceback is kept, and at an
unknown time on other interpreters. Buffered writes may be lost, Windows cannot delete the file, and
a service that does it in a loop runs out of descriptors. `python -X dev` warns about each.

## Example
```python
def load(path):
    file = open(path)
    header = file.readline()
    if not header:
        return None
    rows = file.readlines()
    file.close()
    return rows
```

Use instead:
```python
def load(path):
    with open(path) as file:
        header = file.readline()
        return file.readlines() if header else None
```
"""

CODE = "KLG101"
NAME = "unreleased-file"
HELP = "open it in a with statement, or close it in a finally clause"
