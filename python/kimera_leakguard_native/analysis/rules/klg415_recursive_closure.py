"""A nested function that calls itself keeps what it captures.

## What it does
Reports nested functions that refer to themselves, unless the function around them deletes the name
or rebinds it.

## Why is this bad?
The function's own name is a variable that it captures: a cycle. The captured arguments, however
large, live on after the outer function has returned, until the garbage collector runs.

## Example
```python
def convert_all(graph):
    def convert(task):
        if isinstance(task, list):
            return [convert(item) for item in task]
        return graph.get(task, task)

    return {key: convert(value) for key, value in graph.items()}
```

Use instead:
```python
def convert(task, graph):
    if isinstance(task, list):
        return [convert(item, graph) for item in task]
    return graph.get(task, task)


def convert_all(graph):
    return {key: convert(value, graph) for key, value in graph.items()}
```
"""

CODE = "KLG415"
NAME = "recursive-closure"
HELP = "move it to the module and pass what it captures as arguments"
