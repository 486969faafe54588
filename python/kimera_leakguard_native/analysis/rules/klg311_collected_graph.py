"""Tensors are collected or logged together with their graphs.

## What it does
Reports torch losses and outputs that are appended to a list in a training or evaluation loop, to a
list of the instance, or put into a dictionary of logs beside a loss that is returned or
differentiated, without `detach()` or `item()`, outside of `no_grad`. Silent for lists that are
stacked and differentiated. So is what a metric's `update()`, or another method that is called with
every batch, appends to a list of its own. So is a tensor among three or more values of a table that
are detached, and what an autograd function puts on its context instead of into `save_for_backward`.

## Why is this bad?
Each tensor holds the graph that computed it, with all activations: the list keeps the memory of
every pass of the epoch, where the numbers would have done.

## Example
```python
def train(model, loader):
    losses = []
    for batch in loader:
        loss = model.loss(batch)
        loss.backward()
        losses.append(loss)
    return losses
```

Use instead:
```python
def train(model, loader):
    losses = []
    for batch in loader:
        loss = model.loss(batch)
        loss.backward()
        losses.append(loss.item())
    return losses
```
"""

CODE = "KLG311"
NAME = "collected-graph"
HELP = "keep loss.item() or output.detach(), or run the loop under torch.no_grad()"
