"""Decorators of the project that remember results by their arguments, on methods."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention import growth
from kimera_leakguard_native.analysis.retention.containers import maker
from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.lifetimes import few_instances, made_once
from kimera_leakguard_native.analysis.retention.outline import last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

CODE = "KLG201"

_HINT = re.compile(
    rb"\b\w*(?:memo|cache)\w*\b = (?:\{\}|dict\(\)|(?:\w+\.)?OrderedDict\()", re.IGNORECASE
)
_SHRINKS = frozenset({"pop", "popitem", "clear"})


def find(outline: Outline) -> Iterator[Retention]:
    """Look at the functions that make a table and return a function which fills it."""
    memos = {
        function.node.name: line
        for function in outline.functions_at(
            match.start() for match in _HINT.finditer(outline.source.data)
        )
        if function.owner is None and (line := _fills_table(function)) is not None
    }
    for function in outline.functions if memos else ():
        owner = function.owner
        if owner is None or function.self_name in (None, "cls"):
            continue
        for decorator in function.node.decorator_list:
            name = last_name(decorator)
            if name not in memos or few_instances(owner) or made_once(outline, owner):
                continue
            yield Retention(
                CODE,
                decorator,
                f"the table of {name}() is shared by the class and keeps every {owner.name} that "
                f"{function.node.name}() was called on",
                "cache",
                0.55,
                steps=((memos[name], f"the arguments are the key, {function.self_name} too"),),
            )


def _fills_table(maker_: Definition) -> int | None:
    """Give the line where a nested function stores under all of its arguments."""
    body = maker_.body
    tables = {
        target.id
        for node in body.every(ast.Assign)
        if maker(node.value) is not None
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in body.calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr in _SHRINKS:
            return None
    if any(isinstance(node, ast.Delete) for node in body.nodes):
        return None
    for inner in body.every(ast.FunctionDef):
        stars = {item.arg for item in (inner.args.vararg, inner.args.kwarg) if item is not None}
        for site in growth.growths(maker_, frozenset(tables)):
            if site.key is None or body.function_of(site.node) is not inner:
                continue
            names = _sources(maker_, inner, site.key)
            if stars & names and not _measures(maker_, tables):
                return site.node.lineno
    return None


def _sources(function: Definition, inner: ast.AST, key: ast.expr) -> set[str]:
    """Give the names that a key is made of, through one assignment."""
    names = {item.id for item in ast.walk(key) if isinstance(item, ast.Name)}
    for node in function.body.every(ast.Assign):
        if function.body.function_of(node) is inner and any(
            isinstance(item, ast.Name) and item.id in names for item in node.targets
        ):
            names |= {item.id for item in ast.walk(node.value) if isinstance(item, ast.Name)}
    return names


def _measures(function: Definition, tables: set[str]) -> bool:
    return any(
        last_name(call.func) == "len"
        and bool(call.args)
        and isinstance(call.args[0], ast.Name)
        and call.args[0].id in tables
        for call in function.body.calls
    )
