"""A file descriptor is made and not closed on some path.

## What it does
Follows the descriptors that `os.open`, `os.dup`, `os.pipe`, `os.openpty` and `tempfile.mkstemp`
make, and reports a path on which one is neither closed with `os.close`, nor wrapped by
`os.fdopen`, nor returned or stored.

## Why is this bad?
A descriptor is a plain number: no garbage collector ever closes it. Each one that is lost stays
open until the process ends, and a process has about a thousand of them.

## Example
```python
def scratch(data):
    _, path = tempfile.mkstemp()
    with open(path, "wb") as file:
        file.write(data)
    return path
```

Use instead:
```python
def scratch(data):
    descriptor, path = tempfile.mkstemp()
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    return path
```
"""

CODE = "KLG102"
NAME = "unreleased-descriptor"
HELP = "close it with os.close in a finally clause, or hand it to os.fdopen"
