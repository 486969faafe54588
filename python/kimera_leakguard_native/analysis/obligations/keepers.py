"""Constructors that keep what they are given in an attribute which the class never releases.

The object then only uses the resource: its maker still has to release it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg
from kimera_leakguard_native.analysis.dataflow import Tracker
from kimera_leakguard_native.analysis.obligations.duties import ClassDuties
from kimera_leakguard_native.analysis.obligations.text_index import TextIndex
from kimera_leakguard_native.analysis.ownership import Discharge
from kimera_leakguard_native.analysis.summaries import parameter_site

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.function import Function


def only_keeps(function: Function, parameter: str) -> bool:
    """Whether a parameter of a constructor goes into an attribute and nothing ever releases it."""
    owner = function.scope.class_name
    scope = None if owner is None else function.module.classes.get(owner)
    if scope is None or not function.scope.name.endswith(".__init__"):
        return False
    site = parameter_site(parameter)
    flow = Tracker(function.graph(), site, function.frame(), function.effects).run()
    if flow.exhausted or any(outcome is not Discharge.ESCAPED for outcome, _, _ in flow.discharges):
        return False
    if any(where not in (cfg.RETURN_EXIT, cfg.RAISE_EXIT) for _, _, where in flow.discharges):
        return False  # somebody else gets it, too
    held = {state.held or "" for where, state in flow.nodes if where == cfg.RETURN_EXIT}
    if len(held) != 1 or "" in held:
        return False
    duties = ClassDuties.of(function.project, function.module, scope, TextIndex)
    return duties.leaves_open(held.pop())
