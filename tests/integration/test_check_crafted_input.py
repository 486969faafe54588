"""Source made to be expensive: `klg check` ends, finds the leak or says where it gave up.

Every run is a real process under a limit of processor time; what explodes would need years.
"""

import pytest
from twins.checking import errors_in, lines_in, report_of, run

LEAK = "def text_of(path):\n    return open(path).read()\n"


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "good.py").write_text(LEAK, encoding="utf-8")
    return tmp_path


LONG_LINES = {
    "string": "x = '" + "a" * 1_000_000 + "'\n",
    "list": "x = [" + "0, " * 330_000 + "]\n",
    "statements": "x = 1; " * 140_000 + "\n",
    "comment": "#" + "x" * 1_000_000 + "\n",
}


@pytest.mark.parametrize("line", LONG_LINES.values(), ids=LONG_LINES.keys())
def test_a_line_of_a_megabyte(tree, line):
    (tree / "long.py").write_text(line + LEAK, encoding="utf-8")
    report = report_of(tree, code=1)
    assert lines_in(report, tree / "good.py") == [2]
    assert lines_in(report, tree / "long.py") == [3] or errors_in(report, tree / "long.py")


def test_the_snippet_of_a_line_of_a_megabyte_is_short(tmp_path):
    (tmp_path / "long.py").write_text(
        f"x = '{'a' * 1_000_000}'; y = open('p').read()\n", encoding="utf-8"
    )
    shown = run(tmp_path / "long.py")
    assert shown.returncode == 1
    assert len(shown.stdout) < 10_000


DEPTH = 3000
DEEP = {
    "sum": "x = " + "1 + " * DEPTH + "1\n",
    "not": "x = " + "not " * DEPTH + "y\n",
    "attributes": "x = y" + ".z" * DEPTH + "\n",
    "calls": "x = y" + ".z()" * DEPTH + "\n",
    "lambdas": "x = " + "lambda: " * DEPTH + "1\n",
    "ternaries": "x = " + "1 if y else " * DEPTH + "2\n",
    "elifs": "if y == 0:\n    x = 0\n"
    + "".join(f"elif y == {n}:\n    x = {n}\n" for n in range(1, DEPTH)),
    "half-a-million-terms": "x = " + "1+" * 500_000 + "1\n",
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_deep_nesting_is_checked_or_named(tree, text):
    deep = tree / "deep.py"
    inner = "".join(f"    {line}\n" for line in text.splitlines())
    deep.write_text(f"{text}{LEAK}\ndef deep(y):\n    h = open('p')\n{inner}", encoding="utf-8")
    report = report_of(tree)
    assert lines_in(report, tree / "good.py") == [2]
    assert lines_in(report, deep) or errors_in(report, deep)


def function(*body):
    return "def crafted(path, flags, n, m, s):\n" + "".join(f"    {line}\n" for line in body)


def nested(line, depth, end):
    return [*(" " * i + line for i in range(depth)), " " * depth + end]


def nested_finally(depth):
    lines = []
    for level in range(depth):
        lines += [" " * level + "try:", " " * level + " n.f()", " " * level + "finally:"]
    return [*lines, " " * depth + "h.read()"]


def nested_try_in_try(depth):
    lines = [" " * level + "try:" for level in range(depth)]
    lines.append(" " * depth + "if n: return h.read()")
    for level in reversed(range(depth)):
        lines += [" " * level + "finally:", " " * level + f" if flags[{level}]: n.f()"]
    return lines


OPEN = "h = open(path)"
EXPLOSIONS = {
    "ten-thousand-branches": [
        OPEN,
        *(f"if n == {i}: m = {i}" for i in range(10_000)),
        "if m: h.close()",
    ],
    "forty-flags": [
        OPEN,
        *(f"if flags[{i}]: n += {i}" for i in range(40)),
        "if n == 7: h.close()",
    ],
    "forty-flags-before": [
        *(f"if flags[{i}]: n += {i}" for i in range(40)),
        OPEN,
        "if n: h.close()",
    ],
    "nested-loops": [OPEN, *nested("for i in n:", 60, "if i: h.close()")],
    "nested-finally": [OPEN, *nested_finally(60)],
    "finally-around-return": [OPEN, *nested_try_in_try(60), "h.close()"],
    "two-hundred-files": [
        *(f"h{i} = open(path)\n    if flags[{i}]: h{i}.close()" for i in range(200))
    ],
    "wide-guard": [OPEN, "if " + " and ".join(f"flags[{i}]" for i in range(3000)) + ": h.close()"],
    "powers": [OPEN, "if 2 ** 2 ** 2 ** 2 ** 2 ** 2 == n: return", "h.close()"],
    "shift": [OPEN, "if 1 << 100_000_000_000 > n: return", "h.close()"],
    "repeated-string": [OPEN, "if s == 'ab' * 10_000_000_000: return", "h.close()"],
    "giant-number": [OPEN, f"if n == 0x{'f' * 100_000}: return", "h.close()"],
    "surrogate-in-a-guard": [OPEN, r"if s == '\ud800' or s == '\0': return", "h.close()"],
    "odd-constants": [
        OPEN,
        "if n in (1e999, -1e999, 1e999 - 1e999, 1j, ..., b'\\0', None): return",
        "h.close()",
    ],
    "division": [OPEN, "if n // m == 1 or n % m == 1 or 1 / n > m: return", "h.close()"],
    "growing-loop": [
        OPEN,
        "while n < 10 ** 18: n += 1",
        "if n == 5: h.close()",
    ],
    "chain-of-ternaries": [
        "h0 = None",
        *(f"h{i} = h{i - 1} if n else open(path)" for i in range(1, 300)),
    ],
}


@pytest.mark.parametrize("body", EXPLOSIONS.values(), ids=EXPLOSIONS.keys())
def test_crafted_functions_end_in_bounded_time(tree, body):
    crafted = tree / "crafted.py"
    crafted.write_text(function(*body) + LEAK, encoding="utf-8")
    report = report_of(tree)
    assert lines_in(report, tree / "good.py") == [2]
    in_crafted = lines_in(report, crafted)
    last = crafted.read_text(encoding="utf-8").count("\n")
    assert last in in_crafted, errors_in(report, crafted)
    cut_short = report["statistics"]["budget_exhausted"] > 0
    assert len(in_crafted) > 1 or cut_short or errors_in(report, crafted)
