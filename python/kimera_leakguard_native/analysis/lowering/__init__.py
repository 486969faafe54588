"""From syntax trees to the intermediate representation and its control flow."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.analysis.lowering.builder import RETURN, Builder
from kimera_leakguard_native.analysis.lowering.statements import lower_body
from kimera_leakguard_native.analysis.names import parameter_names
from kimera_leakguard_native.analysis.syntax import children

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.names import ModuleScopes, Scope


def lower(module: ModuleScopes, scope: Scope) -> cfg.Graph:
    """Build the control flow graph of one scope.

    Raises
    ------
    AnalysisError
        The graph would be too large.
    RecursionError
        Expressions are nested too deeply.
    """
    node = scope.node
    parameters = () if isinstance(node, ast.Module) else tuple(parameter_names(node.args))
    lines = [item.end_lineno or 0 for item in scope.body[-1:]]
    graph = cfg.Graph(
        name=scope.name,
        line=1 if isinstance(node, ast.Module) else node.lineno,
        end_line=lines[0] if lines else 1,
        parameters=parameters,
        cells=_cells(scope),
        is_generator=_yields(scope.body),
        is_async=isinstance(node, ast.AsyncFunctionDef),
        source=node,
    )
    if not isinstance(node, ast.Module):
        graph.types.update(_annotated(module, scope, node.args))
    builder = Builder(module, scope, graph)
    lower_body(builder, scope.body)
    if builder.reachable:
        builder.emit(ir.Return(graph.end_line, ir.Literal(None)))
        builder.leave(RETURN)
    return graph


def _annotated(module: ModuleScopes, scope: Scope, arguments: ast.arguments) -> dict[str, str]:
    found = {}
    positional = [*arguments.posonlyargs, *arguments.args]
    # With None as the default, the annotation does not say all.
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    defaults += arguments.kw_defaults
    for item, default in zip([*positional, *arguments.kwonlyargs], defaults, strict=True):
        without = isinstance(default, ast.Constant) and default.value is None
        if item.annotation is not None and not without:
            name = module.qualify(scope, item.annotation)
            if name is not None:
                found[item.arg] = name
    return found


def _cells(scope: Scope) -> frozenset[str]:
    """Variables that outlive the frame: cells, and globals that functions of the module read."""
    if not scope.is_module:
        return scope.captured & scope.local_names
    exported = {
        item.value
        for statement in scope.body
        if isinstance(statement, (ast.Assign, ast.AugAssign))
        and any(
            isinstance(name, ast.Name) and name.id == "__all__"
            for name in (
                statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            )
        )
        for item in ast.walk(statement.value)
        if isinstance(item, ast.Constant) and isinstance(item.value, str)
    }
    # A public name that this body only assigns is there for other modules.
    names = [item for item in _own_names(scope.body) if not item.id.startswith("_")]
    read = {item.id for item in names if isinstance(item.ctx, ast.Load)}
    unread = {item.id for item in names} - read
    return frozenset(exported | unread) | scope.captured


def _own_names(body: list[ast.stmt]) -> Iterator[ast.Name]:
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name):
            yield node
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            stack.extend(children(node))


def _yields(body: list[ast.stmt]) -> bool:
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            stack.extend(children(node))
    return False
