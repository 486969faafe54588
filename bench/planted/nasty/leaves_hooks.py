"""Puts an allocator of its own on top, a copy of what was there, and leaves it there to the end."""

import ctypes


class Allocator(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("ctx", "malloc", "calloc", "realloc", "free")]


get = ctypes.pythonapi.PyMem_GetAllocator
put = ctypes.pythonapi.PyMem_SetAllocator
get.argtypes = put.argtypes = [ctypes.c_int, ctypes.POINTER(Allocator)]
get.restype = put.restype = None
MALLOC = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
for domain in (1, 2):
    on_top = Allocator()
    get(domain, on_top)
    put(domain, on_top)
raw = Allocator()
get(0, raw)
# The raw domain gets a real wrapper: a trampoline into libffi that calls what was there before.
below = ctypes.cast(raw.malloc, MALLOC)
kept = [{"entry": entry, "text": str(entry) * 100} for entry in range(20_000)]
address = below(raw.ctx, 5000)
print(len(kept), address is not None)
