"""C threads that Python did not start call back into it."""

import ctypes
import threading

LIBC = ctypes.CDLL(None)
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
results = []


@CALLBACK
def work(argument):
    rows = [f"{argument}:{row}" for row in range(2000)]
    results.append(len(rows))
    return 0


handles = [ctypes.c_ulong() for _ in range(50)]
for number, handle in enumerate(handles):
    LIBC.pthread_create(ctypes.byref(handle), None, work, ctypes.c_void_p(number + 1))
for handle in handles:
    LIBC.pthread_join(handle, None)
print(len(results), sum(results), threading.active_count())
