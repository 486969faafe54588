"""Puts its own allocator hooks on top, through ctypes, uses them and takes them away again."""

import ctypes


class Allocator(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("ctx", "malloc", "calloc", "realloc", "free")]


OBJ = 2
get = ctypes.pythonapi.PyMem_GetAllocator
put = ctypes.pythonapi.PyMem_SetAllocator
get.argtypes = put.argtypes = [ctypes.c_int, ctypes.POINTER(Allocator)]
get.restype = put.restype = None
below = Allocator()
get(OBJ, below)
for turn in range(20):
    # A copy of what is there, as a tool does that chains to it, and what was there again.
    on_top = Allocator()
    get(OBJ, on_top)
    put(OBJ, on_top)
    kept = [{"turn": turn, "entry": entry} for entry in range(5000)]
    put(OBJ, below)
after = Allocator()
get(OBJ, after)
print(len(kept), bytes(after) == bytes(below))
