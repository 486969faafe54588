"""A graph is retained in a loop although nothing uses it again.

## What it does
Reports `backward(retain_graph=True)` in a loop of a function that runs no second `backward` or
`grad`.

## Why is this bad?
The buffers of the graph stay after they were used. Where a tensor of one pass leads to the next
(hidden states, running sums), the graphs of all passes stay in memory.

## Example
```python
def train(model, loader, state):
    for batch in loader:
        loss, state = model(batch, state)
        loss.backward(retain_graph=True)
```

Use instead:
```python
def train(model, loader, state):
    for batch in loader:
        loss, state = model(batch, state.detach())
        loss.backward()
```
"""

CODE = "KLG313"
NAME = "retained-graph"
HELP = "detach what is carried over to the next pass and drop retain_graph=True"
