"""A binding takes native buffers straight from the C library and gives none back."""

import ctypes
import json

from traffic import Traffic

LIBC = ctypes.CDLL(None)
LIBC.malloc.restype = ctypes.c_void_p
LIBC.malloc.argtypes = [ctypes.c_size_t]
LIBC.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]


def encode(payload):
    size = 4 * len(payload)
    buffer = LIBC.malloc(size)  # leak
    LIBC.memset(buffer, 1, size)
    return size


def main():
    encoded = 0
    for request in Traffic(per_second=40):
        order = json.loads(request.body)
        encoded += encode(json.dumps(order["items"]))
    print(f"encoded {encoded} bytes")


if __name__ == "__main__":
    main()
