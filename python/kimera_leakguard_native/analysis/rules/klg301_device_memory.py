"""Memory of a device, or a slot of a pool, is allocated and not freed on some path.

## What it does
Follows what the allocation functions of CuPy, cuda-python, PyCUDA and torch's caching allocator
return, and slots of this package's own pools, along all paths of the function, and reports a path
on which it is neither freed, nor returned, nor handed on.

## Why is this bad?
A device pointer is a plain number: no garbage collector frees what it points to. Device memory is
small, and the process that runs out of it fails far from the leak.

## Example
```python
def upload(data):
    pointer = cupy.cuda.runtime.malloc(data.nbytes)
    cupy.cuda.runtime.memcpy(pointer, data.ctypes.data, data.nbytes, 1)
    return data.nbytes
```

Use instead:
```python
def upload(data):
    memory = cupy.cuda.alloc(data.nbytes)
    memory.copy_from_host(data.ctypes.data, data.nbytes)
    return data.nbytes
```
"""

CODE = "KLG301"
NAME = "device-memory"
HELP = "free it in a finally clause, or allocate with an object that does"
