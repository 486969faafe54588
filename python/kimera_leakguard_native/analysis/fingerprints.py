"""Fingerprints that stay the same when lines shift.

A fingerprint is made of the rule, the file, the enclosing functions and classes, and the text of
the statement with its blanks folded; equal ones in the same scope are told apart by their order.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import frontend
from kimera_leakguard_native.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kimera_leakguard_native.model.finding import Finding


def of_path(findings: Iterable[Finding], path: str, name: str) -> dict[Finding, str]:
    """As `of_file`, for a file on disk; one that has gone or has changed its form gives none."""
    try:
        return of_file(findings, frontend.read(path), name)
    except AnalysisError:
        return {}


def of_file(findings: Iterable[Finding], data: bytes, name: str) -> dict[Finding, str]:
    """Give each finding of one file its fingerprint.

    Parameters
    ----------
    data : bytes
        What the file holds.
    name : str
        Name of the file that does not depend on the machine, with forward slashes.

    Returns
    -------
    dict of Finding to str
        32 hexadecimal digits each, unique within the file.

    Raises
    ------
    AnalysisError
        The file does not parse.
    """
    lines = frontend.text_lines(data)
    scopes = _scopes(frontend.parse(name, data).tree)
    seen: Counter[str] = Counter()
    result: dict[Finding, str] = {}
    for finding in sorted(findings, key=lambda one: one.sort_key):
        text = " ".join(" ".join(lines[finding.line - 1 : finding.end_line]).split())
        scope = scope_at(scopes, finding.line)
        key = f"{finding.code}\0{name}\0{scope}\0{text}"
        ordinal = seen[key]
        seen[key] += 1
        result[finding] = hashlib.sha256(f"{key}\0{ordinal}".encode()).hexdigest()[:32]
    return result


def scope_at(scopes: list[tuple[int, int, str]], line: int) -> str:
    """Give the qualified name of the innermost function or class around a line, or ''."""
    around = [(first, name) for first, last, name in scopes if first <= line <= last]
    return max(around)[1] if around else ""


def _scopes(tree: ast.Module) -> list[tuple[int, int, str]]:
    scopes: list[tuple[int, int, str]] = []
    stack: list[tuple[ast.AST, str]] = [(tree, "")]
    while stack:
        node, prefix = stack.pop()
        for child in ast.iter_child_nodes(node):
            inner = prefix
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                inner = f"{prefix}.{child.name}" if prefix else child.name
                first = min([child.lineno, *(one.lineno for one in child.decorator_list)])
                scopes.append((first, child.end_lineno or child.lineno, inner))
            stack.append((child, inner))
    return scopes
