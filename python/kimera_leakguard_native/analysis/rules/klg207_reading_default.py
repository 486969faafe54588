"""A look-up in a defaultdict inserts the key.

## What it does
Reports subscripts of a `defaultdict` of the module or of an instance in functions that only read
what they find: a loop over it, a comparison, `len()`, `.items()`, a `return`. Other functions fill
the table. Silent where the key was asked for with `in`, comes from the table, or has few values.

## Why is this bad?
A `defaultdict` inserts whatever is asked for. A question about something unknown leaves an empty
entry, and there are as many of them as there are questions.

## Example
```python
class Cookies:
    def __init__(self):
        self.by_host = collections.defaultdict(dict)

    def add(self, host, name, value):
        self.by_host[host][name] = value

    def of(self, host):
        return list(self.by_host[host].values())
```

Use instead:
```python
class Cookies:
    def __init__(self):
        self.by_host = collections.defaultdict(dict)

    def add(self, host, name, value):
        self.by_host[host][name] = value

    def of(self, host):
        return list(self.by_host.get(host, {}).values())
```
"""

CODE = "KLG207"
NAME = "reading-default"
HELP = "read with .get(), or ask with `in` first"
