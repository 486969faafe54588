"""A pool of processes or threads, or an executor, is not shut down on some path.

## What it does
Follows `concurrent.futures` executors and `multiprocessing` pools along all paths of the function,
and reports a path on which one is neither shut down, nor returned, nor handed to an owner.

## Why is this bad?
Worker processes and threads stay, with everything that they hold, until the garbage collector finds
the pool. `multiprocessing` warns about each pool that is still running then, and may hang at exit.

## Example
```python
def squares(numbers):
    pool = multiprocessing.Pool(4)
    return pool.map(square, numbers)
```

Use instead:
```python
def squares(numbers):
    with multiprocessing.Pool(4) as pool:
        return pool.map(square, numbers)
```
"""

CODE = "KLG107"
NAME = "unreleased-pool"
HELP = "make it in a with statement, or shut it down in a finally clause"
