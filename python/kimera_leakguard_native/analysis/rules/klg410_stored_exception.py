"""A caught exception is stored where it outlives the frame.

## What it does
Reports handlers that put the exception into an attribute of the instance, or into a container of
the instance or the module. Silent where the traceback is taken off (`with_traceback(None)`,
`traceback.clear_frames`), and where the attribute is emptied again outside of `__init__`. Reports
too where an exception that the module or a class has made once is raised.

## Why is this bad?
The exception holds its traceback, the traceback every frame that the exception passed, and each
frame its variables: requests, buffers, and the instance itself, which makes a reference cycle.

## Example
```python
class Sender:
    def send(self, message):
        try:
            self.transport.send(message)
        except OSError as error:
            self.failed.append((message, error))
```

Use instead:
```python
class Sender:
    def send(self, message):
        try:
            self.transport.send(message)
        except OSError as error:
            self.failed.append((message, error.with_traceback(None)))
```
"""

CODE = "KLG410"
NAME = "stored-exception"
HELP = "store its text, or take the traceback off with error.with_traceback(None)"
