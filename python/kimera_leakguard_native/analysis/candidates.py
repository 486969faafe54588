"""From the leaking exits of one acquisition to a tier: how the resource is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.ownership import Level

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.dataflow import Flow, Leak, Site


@dataclass(slots=True)
class Candidate:
    """A leak that the control flow allows; whether its guards can hold together is still open.

    Attributes
    ----------
    tier : str
        N, E or X.
    evident : bool
        Of tier X: whether a call in between is known to raise.
    leaks : list of Leak
        The exits of this tier, nearest first.
    """

    site: Site
    tier: str
    evident: bool
    leaks: list[Leak]


def classify(site: Site, flow: Flow, *, ends_program: bool) -> list[Candidate]:
    """Group leaking exits by tier, the most certain first.

    Parameters
    ----------
    ends_program : bool
        Whether the function is where a program ends: an exit there takes the resource with it.
    """
    settled = any(level is Level.PLAIN for _, level in flow.discharges)
    groups: dict[tuple[str, bool], list[Leak]] = {}
    for leak in flow.leaks:
        tier, evident = _tier(leak, settled=settled, ends_program=ends_program)
        if tier:
            groups.setdefault((tier, evident), []).append(leak)
    order = [("N", True), ("E", True), ("X", True), ("X", False)]
    return [
        Candidate(site, tier, evident, sorted(groups[tier, evident], key=lambda leak: leak.node))
        for tier, evident in order
        if (tier, evident) in groups
    ]


def _tier(leak: Leak, *, settled: bool, ends_program: bool) -> tuple[str, bool]:
    state = leak.state
    pending = state.pending
    if leak.exit == "again":
        if state.level is Level.PLAIN:
            return "N", True
        return ("E", True) if state.level >= Level.MODERATE else ("X", False)
    if leak.exit == "return":
        if state.level is Level.PLAIN:
            return ("E" if settled else "N"), True
        return ("E", True) if state.level >= Level.MODERATE else ("X", False)
    if pending is None:
        return "X", False
    if pending.level is not Level.PLAIN:
        return "X", pending.level >= Level.STRONG and state.held is None
    if pending.type == "builtins.SystemExit" and ends_program:
        return "X", False
    if state.level < Level.MODERATE:
        return "X", False
    if state.level is Level.PLAIN and not settled and state.held is None:
        return "N", True
    return "E", True
