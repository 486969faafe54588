"""How many instances of a class a program makes, as far as its file shows."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.outline import last_name

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.retention.outline import ClassOutline, Outline

_FEW = re.compile(r"Enum$|Flag$|^type$|Meta$|Metaclass$|Singleton|Borg|^Protocol$|TestCase$")
_SINGLE_FIELDS = frozenset({"_instance", "__instance", "_singleton", "_inst", "instance"})


def few_instances(owner: ClassOutline) -> bool:
    """Whether instances are few by nature: enums, metaclasses, singletons, test cases."""
    node = owner.node
    bases = [*node.bases, *(item.value for item in node.keywords if item.arg == "metaclass")]
    names = [*map(last_name, bases), *map(last_name, node.decorator_list)]
    if any(name and (_FEW.search(name) or name == "singleton") for name in names):
        return True
    fields = {
        target.id
        for statement in owner.statements
        if isinstance(statement, (ast.Assign, ast.AnnAssign))
        for target in (
            statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        )
        if isinstance(target, ast.Name)
    }
    return bool(fields & _SINGLE_FIELDS)


def made_at(outline: Outline, owner: ClassOutline) -> int | None:
    """Give a line inside a function, outside of the class, that makes an instance; None if none."""
    pattern = re.compile(rb"(?<![\w.])" + re.escape(owner.name.encode()) + rb"\(")
    first, last = owner.node.lineno, owner.node.end_lineno or 0
    for match in pattern.finditer(outline.source.data):
        line = outline.line_of(match.start())
        if first <= line <= last:
            continue
        function = outline.function_at(line)
        if function is not None and line > function.node.lineno:
            return line
    return None


def made_once(outline: Outline, owner: ClassOutline) -> bool:
    """Whether the module itself makes an instance and no function of it does."""
    for statement in outline.statements:
        value = getattr(statement, "value", None)
        if (
            isinstance(statement, (ast.Assign, ast.AnnAssign))
            and isinstance(value, ast.Call)
            and last_name(value.func) == owner.name
        ):
            return made_at(outline, owner) is None
    return False
