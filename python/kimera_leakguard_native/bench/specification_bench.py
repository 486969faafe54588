"""Every figure that the system's specification claims, beside ours measured now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from kimera_leakguard_native.bench.harness import Measurement, Other, Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.bench.harness import Options


class Claim(NamedTuple):
    """A figure of the specification.

    Attributes
    ----------
    case, text : str
        Our name for it, and what it says.
    bench, of : str
        The benchmark that measures ours, and the start of its case.
    claimed : float or None
        In the unit of that case; None where it is a factor over something that is measured there.
    """

    case: str
    text: str
    bench: str
    of: str
    claimed: float | None = None


MEASURED = (
    Claim(
        "contradictions",
        "200 geoids in 162,028 ms before, 3,240 ms after",
        "contradiction",
        "tensions/n=200",
        3240.0,
    ),
    Claim("fragmentation", "reserved over allocated 7.15 before", "slots", "specification/", 7.15),
    Claim("memory-efficiency", "95 % of the memory in use", "slots", "trace/", 95.0),
    Claim("decision-cache", "look-ups 40 times as fast", "cache", "hit/specification"),
    Claim("risk-assessment", "47.1 ms before, 8.4 ms after", "risk", "one", 8400.0),
    Claim("risk-speedup", "5.6 times as fast", "risk", "batch/"),
    Claim("overhead", "at most 5 % of the time", "overhead", "json/", 1.05),
)

NOT_MEASURABLE = {
    "system-speedup": "12.9 times overall: not measurable, because it is the mean of four factors,"
    " three of which are literals in the original's scripts",
    "readiness": "40/100 to 85/100: not measurable, because it is a grade that the original gives"
    " itself",
    "false-positives": "below 1 %: not measurable by a timing, because a person must label alarms;"
    " bench/score_healthy.py prints our share with its interval",
    "leaks-detected": "100 %: not measurable, because no list of all leaks exists;"
    " bench/score_leak_fixes.py and bench/score_planted.py print our recall",
}
"""Claim → what it says, and why there is no figure beside it."""


def run(options: Options) -> Iterator[Result]:
    """Measure what can be measured, and say of the rest why it cannot."""
    for claim in MEASURED:
        yield _measured(claim, options)
    for case, reason in NOT_MEASURABLE.items():
        yield Result("specification", case, "", "higher", None, note=reason)


def _measured(claim: Claim, options: Options) -> Result:
    from kimera_leakguard_native.bench import suite

    found = next(each for each in suite.run(claim.bench, options) if each.case.startswith(claim.of))
    others = dict(found.others)
    if claim.claimed is not None and isinstance(found.ours, Measurement):
        pair = (claim.claimed, found.ours.median)
        ratio = pair[0] / pair[1] if found.better == "lower" else pair[1] / pair[0]
        others["the specification's claim"] = Other("claim", claim.claimed, ratio)
    return replace(
        found,
        name="specification",
        case=f"{claim.case}/{found.case}",
        others=others,
        note=claim.text,
    )
