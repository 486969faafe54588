"""From a candidate and its path to a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.ownership import Level
from kimera_leakguard_native.analysis.rules.registry import rules
from kimera_leakguard_native.model.finding import Finding, Step
from kimera_leakguard_native.model.guardian import LeakDetectionResult

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.candidates import Candidate
    from kimera_leakguard_native.analysis.dataflow import Leak

_CONFIDENCE = {
    ("N", True): 0.95,
    ("E", True): 0.9,
    ("X", True): 0.8,
    ("X", False): 0.4,
}

_OF_KIND = {"D": 0.9, "M": 0.3}
"""Of kinds with a tier of their own; M are those that are collected in time in most programs."""

_MAX_DECISIONS = 40
"""A longer path is shown by its beginning and its end."""


def finding_of(
    candidate: Candidate,
    leak: Leak,
    file: str,
    function: str,
    decisions: list[tuple[int, str]],
    *,
    proven: bool,
    column: int,
) -> Finding:
    """Describe a leak.

    Parameters
    ----------
    decisions : list of (line, note)
        What happens between the acquisition and the exit.
    proven : bool
        Whether the solver found values under which the path is taken; it may also have been
        switched off, or run out of budget.
    column : int
        1-based, in characters.
    """
    call = candidate.site.call
    assert call is not None  # parameters have no findings
    resource = candidate.site.resource
    rule = rules()[resource.rule]
    tier = resource.tier or candidate.tier
    confidence = _OF_KIND.get(resource.tier) or _CONFIDENCE[tier, candidate.evident]
    if not proven:
        confidence = round(confidence * 0.9, 3)
    ending = _ending(candidate, leak, function)
    steps = [Step(file, call.line, f"{call.text}(…) acquires a {resource.noun}")]
    provided = candidate.site.provided
    if provided is not None:
        steps = [
            Step(file, call.line, f"{call.text}(…) returns an open {resource.noun}"),
            Step(provided.file, provided.line, f"which it has from {provided.text}(…)"),
        ]
    last = leak.line or (decisions[-1][0] if decisions else call.line)
    if decisions and decisions[-1][1] == "returns":
        decisions = decisions[:-1]
    if len(decisions) > _MAX_DECISIONS:
        half = _MAX_DECISIONS // 2
        left_out = len(decisions) - 2 * half
        middle = (decisions[half][0], f"… {left_out} more steps …")
        decisions = [*decisions[:half], middle, *decisions[-half:]]
    steps.extend(Step(file, line, note) for line, note in decisions)
    steps.append(Step(file, last, ending))
    return Finding(
        code=rule.code,
        rule=rule.name,
        message=_message(candidate, leak, function),
        file=file,
        line=call.line,
        end_line=call.end_line,
        column=column,
        tier=tier,
        confidence=confidence,
        detection_result=(
            LeakDetectionResult.CONFIRMED_LEAK
            if proven and tier in ("N", "E")
            else LeakDetectionResult.POTENTIAL_LEAK
        ).value,
        resource=candidate.site.kind,
        path=tuple(steps),
    )


def _message(candidate: Candidate, leak: Leak, function: str) -> str:
    noun = candidate.site.resource.noun
    call = candidate.site.call
    assert call is not None
    subject = f"{noun} from {call.text}(…)"
    if candidate.site.provided is not None:
        way = "opened" if candidate.site.maker else "returned"
        subject = f"{noun} {way} by {call.text}()"
    if candidate.site.resource.tier == "D":
        way = " there" if candidate.tier == "E" else ""
        return f"nothing keeps the {subject}{way}: it may be collected before it is done"
    if leak.exit == "again":
        return f"{subject} is still open when the loop acquires the next one"
    if candidate.tier == "N":
        return f"{subject} is never {candidate.site.resource.ended}"
    if candidate.tier == "E":
        line = f" at line {leak.line}" if leak.line else ""
        way = "raises" if leak.exit == "raise" else "returns"
        return f"{subject} stays open where {function} {way}{line}"
    if leak.exit == "raise":
        line = f"line {leak.line}" if leak.line else "a call in between"
        return f"{subject} stays open if {line} raises"
    if leak.state.level is Level.PLAIN:
        return f"{subject} stays open if nothing follows that would take care of it"
    return f"{subject} stays open if an exception is caught in between"


def _ending(candidate: Candidate, leak: Leak, function: str) -> str:
    noun = candidate.site.resource.noun
    if candidate.site.resource.tier == "D":
        return f"nothing refers to the {noun} any more"
    if leak.exit == "again":
        return f"the {noun} of the pass before is still open"
    if leak.exit == "return":
        return f"{function} returns with the {noun} open"
    pending = leak.state.pending
    what = "an exception"
    if pending is not None and pending.type is not None:
        what = pending.type.rpartition(".")[2]
    return f"{what} leaves {function} with the {noun} open"
