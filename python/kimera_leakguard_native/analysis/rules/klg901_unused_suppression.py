"""A comment that silences findings silences none.

## What it does
Reports `# klg: ignore[...]` comments whose codes have no finding at their statement. Only a run
that looks for everything (`--all`, no `--select`) can tell.

## Why is this bad?
The next leak at that line would be silenced without anybody having decided so.

## Example
```python
def read(path):
    with open(path) as file:  # klg: ignore[KLG101]
        return file.read()
```

Use instead:
```python
def read(path):
    with open(path) as file:
        return file.read()
```
"""

CODE = "KLG901"
NAME = "unused-suppression"
HELP = "remove the comment, or the codes that it names in vain"
