"""A socket is made and not closed on some path.

## What it does
Follows the sockets that `socket.socket`, `socket.create_connection`, `socket.socketpair` and
`accept` make, and reports a path on which one is neither closed, nor returned, nor handed to an
owner. `connect` and `bind` fail in ordinary operation, so a path on which they raise counts.

## Why is this bad?
The connection stays up, the peer waits, the port stays taken, and the descriptor is gone until the
garbage collector finds the object.

## Example
```python
def reach(address):
    sock = socket.socket()
    sock.connect(address)
    return sock
```

Use instead:
```python
def reach(address):
    sock = socket.socket()
    try:
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock
```
"""

CODE = "KLG103"
NAME = "unreleased-socket"
HELP = "close it in a finally clause, or in an except clause before the exception goes on"
