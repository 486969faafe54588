"""Guards over values of which nothing is known: only what no value satisfies is infeasible."""

import ast
import contextlib
import re

import pytest

from kimera_leakguard_native.analysis import engine

# Each can hold, for a number, a string, a list or some other class that defines the operators.
POSSIBLE = [
    "n * m + m == 12",
    "n * m + 1 == 12",
    "n * n * m + m * m * n == 1234567891 and n ** m > 3",
    "n + 'x' == 'yx'",
    "n * 2 == 'abab'",
    "n == 0 and n is not False and n == 0.0",
    "n * m == 12",
    "n + [1] == [2, 1]",
    "n == m and n is not m",
    "n == 1 and isinstance(n, bool)",
    "n == 1 and not isinstance(n, int)",
    "n == 1 and isinstance(n, float)",
    "isinstance(n, float) and n == 3",
    "n == True and n is not True",
    "n != n",
    "n + n == 'aa'",
    "n - m == 3 and n - m > 2",
    "n * 0.5 == 1.25",
    "n + 1 == 2.5",
    "n < 5 and n > 4",
    "abs(n) == 3",
    "abs(n) + 1 == 3",
    "len(n) == 3 and n",
    "n is True and n == 1",
    "not isinstance(n, (str, list, tuple, dict, set)) and not n and n is not None and n != 0",
    "n % 2 == 0.5",
    "n % 2 == '2'",
    "n // 2 == 1.0",
    "n % m == 7 and n % m > 3",
    "n / 2 == 0.5",
    "n & m == 4",
    "n == 1e308 * 10",
    "n <= m and m <= n and n is not m",
    "n in (0, 1) and n is False",
    "n in (0, 1) and isinstance(n, float)",
    "n == m and isinstance(n, int) and isinstance(m, float)",
    "min(n, m) == 3 and max(n, m) == 4",
    "n and n == 0.5",
    "-n == 3",
    "n.x == 3 and n.y == 4",
    "n == 'a' and m == b'a'",
    "n == m and m == n",
    "n[0] == 1 and n[1] == 2",
    "n == () or n == []",
    "n == '' and n is not None",
    "bool(n) is True and n == 2",
]
# None of them can, whatever the class of n and m; i is annotated as an int.
IMPOSSIBLE = [
    "n == 1 and n == 2",
    "n is None and n == 1",
    "n + 1 == 3 and n == 7",
    "n < 3 and n > 3",
    "n - 1 == 3 and n == 5",
    "n is True and n is False",
    "n is True and n == 0",
    "n == 'a' and n == 'b'",
    "isinstance(n, int) and isinstance(n, str)",
    "isinstance(n, bool) and not isinstance(n, int)",
    "isinstance(n, bool) and n == 2",
    "n and n is None",
    "n == 'a' and not isinstance(n, str)",
    "n == 'a' and isinstance(n, int)",
    "len(n) < 0",
    "len(n) == 0 and n",
    "i == 3 and i > 3",
    "i > 3 and i < 4",
    "i * 2 == 5 and i < 100",
    "n * 2 < 4 and n > 2 and n < 100",
    "n == m and n == 3 and m == 4",
    "n in (1, 2) and n == 3",
    "n == m and n is None and m == 3",
    "n is m and n != m",
    "isinstance(n, int) and n * 2 == 5",
    "n + m == 3 and isinstance(n, int) and isinstance(m, int) and n == 1 and m == 1",
]
VALUE = re.compile(r"(\w+) = (.*?)(?:, (?=\w+ = )|$)")
VALUES = re.compile(r"\((\w+ = .*)\)$")


def finding(tmp_path, guard):
    path = tmp_path / "guarded.py"
    path.write_text(
        "def use(path, n, m, i: int):\n    h = open(path)\n"
        f"    if {guard}:\n        return\n    h.close()\n"
    )
    found = engine.check([str(path)]).findings
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize("guard", POSSIBLE)
def test_a_guard_that_some_value_satisfies_keeps_its_path(tmp_path, guard):
    assert finding(tmp_path, guard) is not None


@pytest.mark.parametrize("guard", IMPOSSIBLE)
def test_a_guard_that_no_value_satisfies_does_not_alarm(tmp_path, guard):
    assert finding(tmp_path, guard) is None


@pytest.mark.parametrize("guard", POSSIBLE)
def test_printed_values_satisfy_the_guard(tmp_path, guard):
    values = {}
    for step in finding(tmp_path, guard).path:
        if match := VALUES.search(step.note):
            for name, text in VALUE.findall(match[1]):
                with contextlib.suppress(ValueError, SyntaxError):
                    values[name] = ast.literal_eval(text)
    names = {node.id for node in ast.walk(ast.parse(guard)) if isinstance(node, ast.Name)}
    if names & {"n", "m", "i"} <= set(values):
        assert eval(guard, dict(values))


@pytest.mark.parametrize("parameters", ["n: int = None", "*, n: int = None"])
def test_a_default_of_none_is_no_int(tmp_path, parameters):
    path = tmp_path / "optional.py"
    path.write_text(
        f"def use(path, {parameters}):\n    h = open(path)\n"
        "    if n is None:\n        return\n    h.close()\n"
    )
    assert [one.line for one in engine.check([str(path)]).findings] == [2]
