"""Objects that keep something which keeps them: their own containers, children and wrappers."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.body import free_names, parameters
from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.outline import dotted, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import (
        ClassOutline,
        Definition,
        Outline,
    )

CODE = "KLG416"

_ENDS = re.compile(
    r"^_*(a?close|stop|shutdown|disconnect|terminate|dispose|cleanup|teardown|finish|release|destroy)$"
    r"|^__a?exit__$|^__del__$"
)
_ADDERS = frozenset({"append", "appendleft", "add", "insert", "setdefault"})
_HINT = re.compile(rb"\bself\b[^\n]*[(,] *\*?\(?self\b *[,)]|\] = self\b")


def find(outline: Outline) -> Iterator[Retention]:
    """Look at what methods put into their own instance."""
    data = outline.source.data
    for function in outline.functions_at(match.start() for match in _HINT.finditer(data)):
        if function.self_name is not None and function.owner is not None:
            yield from _contained(outline, function, function.owner, function.self_name)
    for owner in outline.classes:
        closer = next((name for name in owner.methods if _ENDS.search(name)), None)
        init = owner.methods.get("__init__")
        if init is not None and init.self_name is not None:
            yield from _parts(outline, owner, init, closer)


def _contained(
    outline: Outline, function: Definition, owner: ClassOutline, instance: str
) -> Iterator[Retention]:
    """Look for `self.handlers[name].append((handler, (self, *args)))`."""
    for node in function.body.nodes:
        place, value = None, None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in _ADDERS and node.args:
                place, value = node.func.value, node.args[-1]
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            place, value = node.targets[0], node.value
        while isinstance(place, ast.Subscript):
            place = place.value
        if place is None or value is None or not _holds(value, instance):
            continue
        name = dotted(place)
        if name is None or not name.startswith(f"{instance}.") or name.count(".") > 1:
            continue
        attribute = name.partition(".")[2]
        if _of_class(owner, attribute) or (
            isinstance(value, ast.Name) and _emptied(outline, attribute)
        ):
            continue
        statement = function.body.statement_of(node)
        yield Retention(
            CODE,
            statement,
            f"{name} keeps {instance} itself: a reference cycle",
            "cycle",
            0.4,
            steps=((statement.lineno, f"what is added holds {instance}"),),
        )


def _of_class(owner: ClassOutline, attribute: str) -> bool:
    """Whether the class has the container, and not each instance."""
    return any(
        isinstance(target, ast.Name) and target.id == attribute
        for statement in owner.statements
        if isinstance(statement, (ast.Assign, ast.AnnAssign))
        for target in (
            statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        )
    )


def _emptied(outline: Outline, attribute: str) -> bool:
    pattern = rb"\.%b\.(?:clear|remove|discard|pop|popleft)\(" % re.escape(attribute.encode())
    return re.search(pattern, outline.source.data) is not None


def _holds(value: ast.expr, instance: str) -> bool:
    """Whether a value is an instance, or a display or partial with it in."""
    if isinstance(value, ast.Name):
        return value.id == instance
    if isinstance(value, (ast.Tuple, ast.List, ast.Set)):
        return any(_holds(item, instance) for item in value.elts)
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        return any(
            isinstance(side, (ast.Tuple, ast.List)) and _holds(side, instance)
            for side in (value.left, value.right)
        )
    if isinstance(value, ast.Call) and last_name(value.func) == "partial":
        return any(_holds(item, instance) for item in value.args[1:])
    return False


def _parts(
    outline: Outline, owner: ClassOutline, init: Definition, closer: str | None
) -> Iterator[Retention]:
    """Look for `self.part = Part(self)`, where nothing lets the part go again."""
    instance = init.self_name
    assert instance is not None  # asked before
    for node in init.body.every(ast.Assign):
        place = dotted(node.targets[0])
        if place is None or not place.startswith(f"{instance}.") or place.count(".") > 1:
            continue
        call = node.value
        if not isinstance(call, ast.Call):
            continue
        how = _kept_by_child(outline, call, instance)
        if how is None and closer is not None:
            how = _kept_as_callback(owner, call, instance)
        another = _child_elsewhere(outline, call, instance) if how is None else None
        attribute = place.partition(".")[2]
        if (how is None and another is None) or _dropped(outline, owner, attribute):
            continue
        end = f" that {closer}() does not break" if closer is not None else ""
        steps = [how if how is not None else (node.lineno, f"{last_name(call)} keeps {instance}")]
        if closer is not None:
            steps.append(
                (owner.methods[closer].node.lineno, f"{closer}() leaves {attribute} in place")
            )
        yield Retention(
            CODE,
            node,
            f"{place} keeps {instance}: a reference cycle{end}",
            "cycle",
            0.3 if closer is not None else 0.25,
            steps=tuple(steps),
            if_kept=another,
        )


def _kept_by_child(outline: Outline, call: ast.Call, instance: str) -> tuple[int, str] | None:
    """Say where a class of this file keeps what its constructor is given."""
    name = call.func.id if isinstance(call.func, ast.Name) else None
    child = next((one for one in outline.classes if one.name == name), None)
    init = child.methods.get("__init__") if child is not None else None
    if child is None or init is None:
        return None
    names = parameters(init.node)[1:]
    given = {name for name, value in zip(names, call.args, strict=False) if _is(value, instance)}
    given |= {item.arg for item in call.keywords if item.arg and _is(item.value, instance)}
    for node in init.body.every(ast.Assign):
        if isinstance(node.value, ast.Name) and node.value.id in given:
            target = dotted(node.targets[0])
            if target is not None and target.startswith(f"{init.self_name}."):
                return node.lineno, f"{child.name} keeps its {node.value.id}"
    return None


def _child_elsewhere(
    outline: Outline, call: ast.Call, instance: str
) -> tuple[str, int | str] | None:
    """Give an imported class, and the argument of its constructor that the instance is."""
    name = last_name(call.func) or ""
    root = (dotted(call.func) or "").partition(".")[0]
    if not name[:1].isupper() or root not in outline.imports:
        return None
    for place, value in enumerate(call.args):
        if _is(value, instance):
            return name, place
    return next(
        ((name, one.arg) for one in call.keywords if one.arg and _is(one.value, instance)), None
    )


def _is(value: ast.expr, name: str) -> bool:
    return isinstance(value, ast.Name) and value.id == name


_LETS_GO = re.compile(r"^(Thread|Process|WeakMethod|ref|proxy|finalize|super|property|wraps)$")


def _kept_as_callback(owner: ClassOutline, call: ast.Call, instance: str) -> tuple[int, str] | None:
    """Say where a constructor is given a method of the instance, or a lambda around it."""
    name = last_name(call.func) or ""
    if not name[:1].isupper() or _LETS_GO.search(name):
        return None
    for value in (*call.args, *(item.value for item in call.keywords)):
        if isinstance(value, ast.Lambda) and instance in free_names(value):
            return value.lineno, f"the lambda holds {instance}"
        if isinstance(value, ast.Attribute) and _is(value.value, instance):
            method = owner.methods.get(value.attr)
            if method is not None and method.self_name is not None and not _is_property(method):
                return value.lineno, f"a bound method holds {instance}"
    return None


def _is_property(method: Definition) -> bool:
    return any("property" in name or name == "setter" for name in method.decorators())


def _dropped(outline: Outline, owner: ClassOutline, attribute: str) -> bool:
    """Whether anything outside of the constructor deletes or rebinds the attribute."""
    pattern = re.compile(
        rb"(?:\bdel +[\w.]*\.%(n)s\b|\.%(n)s *(?:, *[\w.]+ *)*(?::[^=\n]+)?=(?!=)"
        rb"|\b__dict__\b|\b(?:set|del)attr\([^\n]*[\"']%(n)s[\"'])"
        % {b"n": re.escape(attribute.encode())}
    )
    for match in pattern.finditer(outline.source.data):
        function = outline.function_at(outline.line_of(match.start()))
        if function is None or function.node.name != "__init__" or function.owner is not owner:
            return True
    return False
