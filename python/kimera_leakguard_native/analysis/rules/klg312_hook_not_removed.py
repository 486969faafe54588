"""A hook is registered on a torch module and never removed.

## What it does
Reports `register_forward_hook` and its like where the handle is dropped, or where the file removes
no handle at all, and `register_hook` on parameters where the hook holds the instance. Silent for
modules that hook themselves or their own parts in their constructor.

## Why is this bad?
The module keeps the hook and all that it captures. Each further call of the registering function
adds another one, and what the hooks collect (activations, gradients) is kept as well.

## Example
```python
def features(model, images, kept):
    model.layer4.register_forward_hook(lambda module, args, output: kept.append(output))
    model(images)
```

Use instead:
```python
def features(model, images, kept):
    handle = model.layer4.register_forward_hook(lambda module, args, output: kept.append(output))
    try:
        model(images)
    finally:
        handle.remove()
```
"""

CODE = "KLG312"
NAME = "hook-not-removed"
HELP = "keep the handle and call its remove() in a finally clause"
