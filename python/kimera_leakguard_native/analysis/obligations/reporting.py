"""From a duty that a class does not fulfil to a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.rules.registry import rules
from kimera_leakguard_native.model.finding import Finding, Step
from kimera_leakguard_native.model.guardian import LeakDetectionResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimera_leakguard_native.analysis.obligations.breaches import Breach


def finding_of(
    breach: Breach,
    file: str,
    files: dict[str, str],
    column: Callable[[int, int], int],
) -> Finding:
    """Describe a breach at the line that acquires.

    Parameters
    ----------
    file : str
        Of the acquisition.
    files : dict of str to str
        Files by module.
    column : callable
        Turns a line and an offset in bytes into a column.
    """
    store = breach.store
    site = store.site
    call = site.call
    assert call is not None  # parameters are not stored
    rule = rules()[site.resource.rule]
    noun = site.resource.noun
    into = "put into" if store.contained else "kept in"
    joint = " " if breach.why.startswith("over ") else ", "
    steps = [
        Step(file, call.line, f"{call.text}(…) acquires a {noun}"),
        Step(file, store.line, f"it is {into} self.{store.attribute}"),
    ]
    steps.extend(Step(files.get(module, file), line, note) for module, line, note in breach.steps)
    confidence = {True: 0.85, False: 0.35}[breach.evident]
    return Finding(
        code=rule.code,
        rule=rule.name,
        message=f"{noun} from {call.text}(…) is {into} self.{store.attribute}{joint}{breach.why}",
        file=file,
        line=call.line,
        end_line=call.end_line,
        column=column(call.line, call.column),
        tier=breach.tier,
        confidence=confidence,
        detection_result=(
            LeakDetectionResult.CONFIRMED_LEAK
            if breach.evident and breach.tier in ("N", "E")
            else LeakDetectionResult.POTENTIAL_LEAK
        ).value,
        resource=site.kind,
        path=tuple(steps),
    )
