"""A child process, its pipes, or what processes share is not released on some path.

## What it does
Follows `subprocess.Popen` with pipes (and its asyncio twins), `os.popen`, process queues and
shared memory along all paths of the function, and reports a path on which one is neither waited
for or closed, nor returned, nor handed to an owner. Pipes that stay open after `wait`, and
managers, are advice, shown with `--all`.

## Why is this bad?
A process that nobody waits for stays as a zombie, each pipe is a descriptor, and a child that
fills a pipe that nobody reads never ends. Shared memory outlives the process that made it.

## Example
```python
def version(program):
    child = subprocess.Popen([program, "--version"], stdout=subprocess.PIPE)
    return child.stdout.readline()
```

Use instead:
```python
def version(program):
    with subprocess.Popen([program, "--version"], stdout=subprocess.PIPE) as child:
        return child.stdout.readline()
```
"""

CODE = "KLG106"
NAME = "unreleased-process"
HELP = "use with or communicate(); close queues and shared memory in a finally clause"
