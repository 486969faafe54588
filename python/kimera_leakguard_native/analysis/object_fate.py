"""What becomes of an object that one expression makes: returned, stored, released, or dropped."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import ir
from kimera_leakguard_native.analysis.dataflow import Site, Tracker
from kimera_leakguard_native.analysis.ownership import ALIAS, Discharge, Returned
from kimera_leakguard_native.analysis.resources.catalog import Resource

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.cfg import Graph
    from kimera_leakguard_native.analysis.project import Function

_OBJECT = Resource(
    rule="", noun="object", release=("close", "release", "free", "clear"), functions=("free",),
    context=True,
)  # fmt: skip


@dataclass(slots=True)
class Fate:
    """The ways in which an object leaves the function, and the places where it ends.

    Attributes
    ----------
    sometimes : bool
        Whether it escapes on some paths only.
    releases : list of str
        As the historic summaries name them.
    """

    returned: bool = False
    by_parameter: bool = False
    by_global: bool = False
    sometimes: bool = False
    releases: list[str] = field(default_factory=list)

    @property
    def escapes(self) -> bool:
        """Whether it leaves on some path."""
        return self.returned or self.by_parameter or self.by_global


def fate_of(node: ast.expr, function: Function) -> Fate:
    """Follow the value of an expression through the function that evaluates it."""
    graph = function.graph()
    fate = Fate()
    site = _site(node, graph)
    if site is None:
        fate.releases.append(f"scope_end_{node.lineno}")
        return fate
    flow = Tracker(graph, site, function.frame(), function.effects).run()
    for outcome, item in flow.ends:
        if isinstance(outcome, Returned):
            fate.returned = True
        elif outcome is Discharge.RELEASED:
            fate.releases = fate.releases or [f"dealloc_{item.line}"]
        elif _is_global_store(item):
            fate.by_global = True
        else:
            fate.by_parameter = True
    fate.sometimes = fate.escapes and any(leak.exit == "return" for leak in flow.leaks)
    if not fate.escapes and not fate.releases:
        deleted = _deleted_line(graph, site)
        end = f"scope_end_{node.lineno}" if deleted is None else f"dealloc_{deleted}"
        fate.releases.append(end)
    return fate


def _site(node: ast.expr, graph: Graph) -> Site | None:
    for block in graph.blocks:
        for index, item in enumerate(block.instructions):
            if isinstance(item, ir.Call):
                matches = isinstance(node, ast.Call) and item.source is node.func
            else:
                shape = ir.Compute if isinstance(node, ast.BinOp) else ir.Build
                matches = (
                    isinstance(item, shape)
                    and not isinstance(node, ast.Call)
                    and item.line == node.lineno
                    and getattr(item, "kind", "list") in ("list", "set", "dict")
                )
            if matches and isinstance(item, (ir.Call, ir.Build, ir.Compute)):
                return Site("object", _OBJECT, block.number, index, item.target, ALIAS, item)
    return None


def _is_global_store(item: ir.Instruction) -> bool:
    if isinstance(item, (ir.SetAttribute, ir.SetItem)):
        return isinstance(item.object, ir.Global)
    return isinstance(item, ir.Call) and isinstance(item.receiver, ir.Global)


def _deleted_line(graph: Graph, site: Site) -> int | None:
    items = [item for block in graph.blocks for item in block.instructions]
    names = {
        item.target for item in items if isinstance(item, ir.Assign) and item.source == site.place
    }
    return next(
        (item.line for item in items if isinstance(item, ir.Delete) and item.name in names), None
    )
