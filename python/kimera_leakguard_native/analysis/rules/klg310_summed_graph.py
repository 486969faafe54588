"""Losses are added up together with their graphs.

## What it does
Reports `total += loss` in a loop where `loss` is a torch tensor that the loop differentiates, or
that an evaluation computes outside of `no_grad`. Silent for sums that are differentiated
themselves. Reports sums over batches too that are known to be tensors. Part of the default output
where the loop calls `loss.backward()`.

## Why is this bad?
The sum becomes a tensor whose history holds every loss before it. Memory grows with each pass, on
the device too, until the loop ends or memory is exhausted.

## Example
```python
def train(model, loader, optimizer):
    total = 0
    for batch in loader:
        loss = model.loss(batch)
        loss.backward()
        optimizer.step()
        total += loss
    return total
```

Use instead:
```python
def train(model, loader, optimizer):
    total = 0
    for batch in loader:
        loss = model.loss(batch)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total
```
"""

CODE = "KLG310"
NAME = "summed-graph"
HELP = "add loss.item(), or loss.detach() to stay on the device"
