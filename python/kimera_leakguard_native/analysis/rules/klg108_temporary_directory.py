"""A temporary directory is made and not removed on some path.

## What it does
Follows the directories of `tempfile.mkdtemp` and `tempfile.TemporaryDirectory` along all paths of
the function, and reports a path on which one is neither removed, nor returned, nor handed on.

## Why is this bad?
Nothing ever removes what `mkdtemp` makes: the disk fills. A `TemporaryDirectory` that nobody
cleans up goes when the garbage collector finds it, with a warning, perhaps while it is still in
use.

## Example
```python
def unpack(archive):
    folder = tempfile.mkdtemp()
    archive.extractall(folder)
    return len(os.listdir(folder))
```

Use instead:
```python
def unpack(archive):
    with tempfile.TemporaryDirectory() as folder:
        archive.extractall(folder)
        return len(os.listdir(folder))
```
"""

CODE = "KLG108"
NAME = "temporary-directory"
HELP = "use with tempfile.TemporaryDirectory(), or shutil.rmtree in a finally clause"
