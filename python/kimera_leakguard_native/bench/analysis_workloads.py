"""Synthetic projects with planted leaks, and functions of a wanted length, all made from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_FUNCTIONS_A_MODULE = 24

# {n} is a number of its own, so that no two functions are the same. About one function in forty
# acquires anything, as in large code bases; the rest is what programs consist of.
_PLAIN = (
    """
def merge_{n}(left, right, limit=10):
    rows = []
    for name, value in sorted(left.items()):
        if name in right and len(rows) < limit:
            rows.append((name, value + right[name]))
        elif value is None:
            continue
        else:
            rows.append((name, value))
    return dict(rows)
""",
    """
def classify_{n}(values, threshold):
    low, high = [], []
    for index, value in enumerate(values):
        try:
            number = float(value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"item {{index}}: {{error}}") from error
        (high if number > threshold else low).append(number * {n})
    return low, high
""",
    """
class Counter_{n}:
    \"\"\"Counts what it is shown.\"\"\"

    step = {n}

    def __init__(self, names=()):
        self.names = list(names)
        self.total = 0

    def add(self, name, *, times=1):
        if not isinstance(name, str):
            raise TypeError(name)
        self.names.append(name)
        self.total += times * self.step
        return self

    def report(self):
        return ", ".join(f"{{name}}: {{self.total}}" for name in self.names)
""",
    """
def render_{n}(rows, width=80):
    lines = [" | ".join(str(cell).ljust(width // len(row)) for cell in row) for row in rows if row]
    border = "-" * width
    return "\\n".join([border, *lines, border])
""",
)
_CLEAN = (
    """
def load_{n}(path):
    with open(path) as file:
        return [line.strip() for line in file if line]
""",
    """
def copy_{n}(source, target):
    reader = open(source, "rb")
    try:
        return target.write(reader.read({n}))
    finally:
        reader.close()
""",
)
# The marked line is the one to be found.
_LEAKING = (
    """
def first_{n}(path):
    file = open(path)  # leak: N
    return file.readline()
""",
    """
def head_{n}(path, size):
    file = open(path)  # leak: E
    data = file.read({n})
    if len(data) < size:
        return None
    file.close()
    return data
""",
)
# Clean, because the two guards exclude each other: the cheap analysis alone cannot see it.
_GUARDED = (
    """
def guarded_{n}(path, size):
    file = open(path) if size > {n} else None  # guarded
    total = size + 1
    if size > {n}:
        total += len(file.read())
        file.close()
    return total
""",
    """
def flagged_{n}(path, verbose):
    file = None
    if verbose:
        file = open(path)  # guarded
    rows = [verbose] * {n}
    if verbose:
        file.close()
    return rows
""",
)


@dataclass(slots=True)
class Planted:
    """What a synthetic project holds.

    Attributes
    ----------
    leaks : set of (file, line, tier)
        What a check has to find, and nothing else; files relative to the project.
    guarded : set of (file, line)
        What it finds besides without the symbolic stage.
    """

    lines: int = 0
    leaks: set[tuple[str, int, str]] = field(default_factory=set)
    guarded: set[tuple[str, int]] = field(default_factory=set)


def write_project(folder: Path, lines: int, seed: int) -> Planted:
    """Write modules of about so many lines in all."""
    chance = random.Random(seed)
    planted = Planted()
    number = 0
    while planted.lines < lines:
        package = folder / f"package_{number // 50}"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").touch()
        path = package / f"module_{number}.py"
        text = _module(chance, number)
        path.write_text(text, encoding="utf-8")
        name = path.relative_to(folder).as_posix()
        for line, row in enumerate(text.splitlines(), 1):
            _, mark, tier = row.partition("# leak: ")
            if mark:
                planted.leaks.add((name, line, tier))
            elif row.endswith("# guarded"):
                planted.guarded.add((name, line))
        planted.lines += text.count("\n")
        number += 1
    return planted


def _module(chance: random.Random, number: int) -> str:
    parts = ['"""A module of a synthetic project."""\n\nimport os\n']
    for index in range(_FUNCTIONS_A_MODULE):
        kinds, weights = (_PLAIN, _CLEAN, _LEAKING, _GUARDED), (960, 25, 8, 7)
        (templates,) = chance.choices(kinds, weights)
        text = chance.choice(templates)
        parts.append(
            "\n"
            + text.replace("{{", "{")
            .replace("}}", "}")
            .replace("{n}", str(number * _FUNCTIONS_A_MODULE + index + 1))
        )
    return "".join(parts)


def function_text(lines: int) -> str:
    """Give a function of exactly so many lines that branches, allocates and leaks in places."""
    rows = ["def work(path, items, flag):"]
    number = 0
    while len(rows) < lines - 1:
        rows += [
            f"    if flag > {number}:",
            f"        buffer_{number} = [0] * {number + 8}",
            f"        items.append(buffer_{number})",
            "    else:",
            f"        handle_{number} = open(path)",
            f"        data_{number} = handle_{number}.read()",
            f"        if not data_{number}:",
            "            return None",
            f"        handle_{number}.close()",
        ]
        number += 1
    rows[lines - 1 :] = ["    return items"]
    return "\n".join(rows) + "\n"
