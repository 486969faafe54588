"""Reading off the text what happens to a container."""

import pytest

from kimera_leakguard_native.analysis import frontend
from kimera_leakguard_native.analysis.retention.census import uses
from kimera_leakguard_native.analysis.retention.outline import Outline


def settled(use):
    text = f"items = []\n\n\ndef work(x):\n    items.append(x)\n    {use}\n"
    source = frontend.parse("a.py", text.encode())
    found = uses(Outline(source), "items", frozenset({1}), None, attribute=False)
    assert found.settled or found.grown
    return found.settled


@pytest.mark.parametrize(
    "use",
    [
        "items.pop()",
        "items.clear()",
        "del items[0]",
        "items[0].discard(x)",
        "items = []",
        "items -= x",
        "return items",
        "send(items)",
        "y = items",
        "if len(items) > 100: return",
        "while len(items) >= LIMIT: drop()",
    ],
)
def test_shrinking_bounding_and_handing_on_settle_it(use):
    assert settled(use)


@pytest.mark.parametrize(
    "use",
    [
        "print(len(items))",
        "if x in items: return",
        "for item in items: print(item)",
        "if items: return",
        "return items[x]",
        "return sorted(items)",
        "if len(items) > 0: return",
        "my_items.clear()",
        "x.items.clear()",
        "# items.clear()",
    ],
)
def test_reading_it_does_not(use):
    assert not settled(use)


@pytest.mark.parametrize(
    "text", ["items = [\n    1,\n]\n", "x = 1\r\ndef f():\r\n    pass\r\n", ""]
)
def test_lines_are_counted_as_the_parser_does(text):
    source = frontend.parse("a.py", text.encode())
    outline = Outline(source)
    for node in source.tree.body:
        assert outline.line_of(outline.line_starts[node.lineno - 1]) == node.lineno


ENDED = """
class Connection:
    def __init__(self):
        self.items = []

    def send(self, x):
        self.items.append(x)

    def {method}:
        self.items.clear()
"""


@pytest.mark.parametrize(
    ("method", "at_the_end"),
    [
        ("close(self)", True),
        ("__exit__(self, *error)", True),
        ("connection_lost(self, error)", True),
        ("close(self, number)", False),
        ("disconnect(self, who=None)", False),
        ("flush(self)", False),
    ],
)
def test_what_the_end_of_its_owner_empties_was_full_until_then(method, at_the_end):
    outline = Outline(frontend.parse("a.py", ENDED.format(method=method).encode()))
    owner = outline.classes[0]
    found = uses(outline, "items", frozenset({4}), owner, attribute=True, of_instances=True)
    assert found.settled is not at_the_end
    assert found.emptied == (10 if at_the_end else None)
    assert uses(outline, "items", frozenset({4}), owner, attribute=True).settled
