"""Constructors that keep what they are given in an attribute which the class never releases.

The object then only uses the resource: its maker still has to release it. Where the class closes
what it keeps, closing the object is the maker's duty instead. Where nothing else in the
project releases an attribute of that name either, nobody can do so through the object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg
from kimera_leakguard_native.analysis.dataflow import Tracker
from kimera_leakguard_native.analysis.obligations.duties import ClassDuties
from kimera_leakguard_native.analysis.obligations.owners import (
    gives_itself_away,
    lives_by_itself,
)
from kimera_leakguard_native.analysis.obligations.stores import CONSTRUCTORS
from kimera_leakguard_native.analysis.obligations.text_index import TextIndex, text_index
from kimera_leakguard_native.analysis.ownership import Discharge, Effect
from kimera_leakguard_native.analysis.summaries import parameter_site

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.function import Function


def keeping(function: Function, parameter: str) -> Effect:
    """Say what a constructor does with a parameter that it keeps."""
    attribute = _kept_in(function, parameter)
    owner = function.scope.class_name
    scope = None if owner is None else function.module.classes.get(owner)
    if attribute is None or scope is None:
        return Effect.TAKE
    duties = ClassDuties.of(function.project, function.module, scope, TextIndex)
    if duties.leaves_open(attribute):
        return Effect.READ if _is_beyond_reach(function, attribute, duties) else Effect.DERIVE
    return Effect.WRAP if _passes_the_end_on(function, attribute, duties) else Effect.TAKE


def _kept_in(function: Function, parameter: str) -> str | None:
    """Name the attribute that a constructor's parameter goes into, and nowhere else."""
    if not function.scope.name.endswith(".__init__"):
        return None
    site = parameter_site(parameter)
    flow = Tracker(function.graph(), site, function.frame(), function.effects).run()
    if flow.exhausted or any(outcome is not Discharge.ESCAPED for outcome, _, _ in flow.discharges):
        return None
    if any(where not in (cfg.RETURN_EXIT, cfg.RAISE_EXIT) for _, _, where in flow.discharges):
        return None  # somebody else gets it, too
    held = {state.held or "" for where, state in flow.nodes if where == cfg.RETURN_EXIT}
    return held.pop() or None if len(held) == 1 else None


_CLOSING = frozenset({"close", "aclose", "__exit__", "__aexit__"})


def _passes_the_end_on(function: Function, attribute: str, duties: ClassDuties) -> bool:
    """Whether closing the object is the way to end what it was given, and its maker's duty."""
    family = duties.family
    if family.open_ended or lives_by_itself(family) or not duties.closing(attribute):
        return False
    methods = duties.ending(attribute, frozenset({"close", "aclose"})) - CONSTRUCTORS
    known = frozenset(name for item in family.members for name in item.scope.methods)
    return bool(methods) and methods <= _CLOSING and not gives_itself_away(function, known)


def _is_beyond_reach(function: Function, attribute: str, duties: ClassDuties) -> bool:
    """Whether the class works with an attribute, and nothing else in the project releases it.

    An object that only carries what it is given, under a public name, leaves it to whoever has the
    object.
    """
    if not (attribute.startswith("_") or duties.works_with(attribute)):
        return False
    return not text_index(function.project).released.get(attribute)
