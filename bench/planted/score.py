"""Runs the planted programs under `klg run` and its peers, and prints how right each tool is.

    python bench/score_planted.py [PROGRAM...] [--seconds 60] [--seeds 0,1,2] [--tools klg,memray]

Real processes throughout, two at a time. A peer that is not installed is left out, with a line.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from planted.outcome import Outcome, summary
from planted.tools import TOOLS, absent, observe
from planted.truth import load

if TYPE_CHECKING:
    from planted.truth import Program


def show(outcome: Outcome, seed: int) -> str:
    """Write one run as a line."""
    if outcome.problem:
        mark = "FAILED"
    elif outcome.leaks:
        mark = "right" if outcome.right else "found" if outcome.found else "MISS"
    else:
        mark = "FLAGGED" if outcome.alarmed else "right"
    confidence = "   -" if outcome.confidence is None else f"{outcome.confidence:.2f}"
    overhead = "" if outcome.overhead is None else f" cost {outcome.overhead:.2%}"
    wrong = f" wrong: {', '.join(outcome.wrong_lines[:4])}" if outcome.wrong_lines else ""
    kind = "leaks" if outcome.leaks else "clean"
    return (
        f"{mark:8}{kind:6}{outcome.program:24}seed {seed:<3}{outcome.verdict:10}{confidence} "
        f"{outcome.seconds:6.1f} s{overhead} {outcome.top}{wrong} {outcome.problem}".rstrip()
    )


def score(
    tool: str, programs: list[Program], options: argparse.Namespace, folder: Path
) -> list[tuple[int, Outcome]]:
    """Run every program with every seed under one tool."""

    def one(job: tuple[Program, int]) -> tuple[int, Outcome]:
        program, seed = job
        outcome = observe(
            tool,
            program,
            folder,
            seconds=options.seconds,
            seed=seed,
            options=options.options.split() if tool == "klg" else (),
        )
        print(show(outcome, seed), flush=True)
        return seed, outcome

    jobs = [(program, seed) for seed in options.seeds for program in programs]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as executor:
        return list(executor.map(one, jobs))


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", nargs="*", help="names of programs; all by default")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each run")
    parser.add_argument("--seeds", default="0", help="comma-separated")
    parser.add_argument("--tools", default="klg", help=f"comma-separated, of {', '.join(TOOLS)}")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    parser.add_argument("--options", default="", help="further options of `klg run`")
    parser.add_argument("--keep", type=Path, help="folder in which the reports stay")
    parser.add_argument("--json", type=Path, help="file for the outcomes")
    options = parser.parse_args()
    options.seeds = [int(seed) for seed in options.seeds.split(",")]
    return options


def main() -> int:
    """Run the tools one after the other, and print the counts of each; 0 unless a run failed."""
    options = arguments()
    programs = []
    for program in load(tuple(options.programs)):
        if program.missing():
            print(f"left out: {program.name} needs {program.missing()}")
        else:
            programs.append(program)
    results = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for tool in options.tools.split(","):
            if absent(tool):
                print(f"left out: {tool} is not installed")
                continue
            print(f"== {tool}, {options.seconds:g} s, seeds {options.seeds}", flush=True)
            outcomes = score(tool, programs, options, folder)
            print("\n".join(summary([outcome for _, outcome in outcomes])), flush=True)
            results[tool] = [{"seed": seed, **asdict(outcome)} for seed, outcome in outcomes]
    if options.json:
        document = {"seconds": options.seconds, "options": options.options, "results": results}
        options.json.write_text(json.dumps(document, indent=1), encoding="utf-8")

    return int(any(row["problem"] for rows in results.values() for row in rows))
