"""Judges one report against the truth about its program.

A report is the JSON of `klg run --report`; peers are brought into the same shape. Only sites called
`leak` count as named, and the first of them is what a reader looks at.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planted.truth import Program

ALARMS = ("leak", "native")


@dataclass(frozen=True)
class Outcome:
    """How a tool did on one run of one program.

    Attributes
    ----------
    verdict : str
        What the tool says about the process; `failed` where there is no usable report.
    first, found : bool
        Whether the first named line, or any named line, is right.
    alarmed : bool
        Whether the tool says that something leaks, wherever.
    wrong_lines : tuple of str
        Named lines that are not right.
    """

    program: str
    leaks: bool
    verdict: str
    right: bool
    first: bool
    found: bool
    alarmed: bool
    fair: bool
    confidence: float | None
    top: str
    wrong_lines: tuple[str, ...]
    seconds: float
    overhead: float | None
    problem: str = ""


def place(site: dict[str, Any]) -> str:
    """Name a site as one would in a sentence."""
    return f"{Path(site['file']).name}:{site['line']}" if site["file"] else "not located"


def is_right(site: dict[str, Any], program: Program) -> bool:
    """Whether a site is one of the marked lines."""
    located = site["file"] is not None and Path(site["file"]).resolve() == program.path
    return located and site["line"] in program.lines


def failed(program: Program, problem: str, seconds: float) -> Outcome:
    """A run without a usable report: a miss, and never a pass of a clean program."""
    return Outcome(
        program=program.name,
        leaks=program.leaks,
        verdict="failed",
        right=False,
        first=False,
        found=False,
        alarmed=False,
        fair=False,
        confidence=None,
        top="",
        wrong_lines=(),
        seconds=seconds,
        overhead=None,
        problem=problem,
    )


def judge(program: Program, report: dict[str, Any] | None, seconds: float) -> Outcome:
    """Compare a report with the truth."""
    if report is None:
        return failed(program, "no report", seconds)
    try:
        verdict = report["process_verdict"]
        sites = report["sites"]
        named = [site for site in sites if site["verdict"] == "leak" and site["file"]]
        native = verdict == "native" or any(site["verdict"] == "native" for site in sites)
        top = named[0] if named else (sites[0] if sites else None)
        first = bool(named) and is_right(named[0], program)
        alarmed = verdict in ALARMS or bool(named) or native
        located_or_native = first or (program.native and native and not named)
        right = located_or_native if program.leaks else not alarmed
        return Outcome(
            program=program.name,
            leaks=program.leaks,
            verdict=verdict,
            right=right,
            first=first,
            found=any(is_right(site, program) for site in named),
            alarmed=alarmed,
            fair=verdict in program.fair,
            confidence=None if top is None else top["confidence"],
            top="" if top is None else f"{place(top)} ({top['verdict']})",
            wrong_lines=tuple(place(site) for site in named if not is_right(site, program)),
            seconds=seconds,
            overhead=report.get("overhead", {}).get("estimated_fraction"),
        )
    except (KeyError, TypeError) as error:
        return failed(program, f"report not in the agreed shape: {error!r}", seconds)


def summary(outcomes: list[Outcome]) -> list[str]:
    """Count what matters over many outcomes, one sentence each."""
    leaking = [outcome for outcome in outcomes if outcome.leaks]
    clean = [outcome for outcome in outcomes if not outcome.leaks]
    lines = []
    if leaking:
        misses = sorted({outcome.program for outcome in leaking if not outcome.right})
        lines.append(
            f"leaking: right answer first {sum(o.right for o in leaking)}/{len(leaking)}, "
            f"right line anywhere {sum(o.found for o in leaking)}, "
            f"alarmed {sum(o.alarmed for o in leaking)}, "
            f"wrong lines named {sum(len(o.wrong_lines) for o in leaking)}"
        )
        lines.append(f"misses: {', '.join(misses) or 'none'}")
    if clean:
        flagged = sorted({outcome.program for outcome in clean if outcome.alarmed})
        unfair = sorted({o.program for o in clean if not o.fair and not o.alarmed})
        names = ", ".join(flagged) or "none"
        lines.append(f"clean: flagged {sum(o.alarmed for o in clean)}/{len(clean)}: {names}")
        lines.append(f"clean, another verdict than the fair ones: {', '.join(unfair) or 'none'}")
    problems = [outcome for outcome in outcomes if outcome.problem]
    lines += [f"failed: {o.program}: {o.problem}" for o in problems]
    return lines
