"""A data file, memory map, selector, video capture or other handle is not released on some path.

## What it does
Follows data files (`h5py.File`, `netCDF4.Dataset`, `pandas.HDFStore`, `rasterio.open`, …), memory
maps, selectors, captures, summary writers, browsers and servers along all paths of the function,
and reports a path on which one is neither released, nor returned, nor handed to an owner. Figures
of pyplot, which keeps each of them until it is closed, and handles of Windows are advice, shown
with `--all`.

## Why is this bad?
Libraries that write in C close late or never: data is not written to its end, files stay locked,
the camera stays taken, a browser runs on without its program.

## Example
```python
def shape(path):
    data = h5py.File(path, "r")
    return data["image"].shape
```

Use instead:
```python
def shape(path):
    with h5py.File(path, "r") as data:
        return data["image"].shape
```
"""

CODE = "KLG109"
NAME = "unreleased-handle"
HELP = "open it in a with statement, or release it in a finally clause"
