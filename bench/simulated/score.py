"""Prints how right the verdicts on ages are, over simulated sites and whole simulated runs.

    python bench/score_verdicts.py [--trials 150] [--runs 200] [--sites 60] [--seed 0]

First one site at a time, judged at every window from the 20th to the 60th, as the note on run-time
tracking compares rules: an alarm is three windows in a row. Then runs of many sites, one in
twenty of them leaking, judged at their end: how many of the sites called a leak are none.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from typing import TYPE_CHECKING

from kimera_leakguard_native.runtime.verdict import FALSE_DISCOVERY_RATE
from simulated import behaviours, lives

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kimera_leakguard_native.model.site import SiteVerdict

GRADES: dict[str, Callable[[SiteVerdict], bool]] = {
    "likely or confirmed": lambda site: site.verdict == "leak",
    "confirmed": lambda site: site.verdict == "leak" and site.evidence.startswith("confirmed"),
}

GROUPS = {
    "clean, as in the note": behaviours.CLEAN,
    "leaking, as in the note": behaviours.LEAKING,
    "clean, slower than what has been seen of it": behaviours.SLOW_CLEAN,
    "leaking, the same": behaviours.SLOW_LEAKING,
}

LEAKING_SHARE = 0.05


def single_sites(trials: int, seed: int) -> None:
    for grade, alarm in GRADES.items():
        print(f"== one site, {trials} trials each, alarm: {grade}")
        print(f"{'':28}{'any window':>11}{'ever':>8}{'at end':>8}{'delay':>7}  (windows)")
        for group, members in GROUPS.items():
            rows = [row(member, alarm, trials, seed) for member in members]
            for name, any_window, ever, end, delay in rows:
                print(f"  {name:26}{any_window:11.1%}{ever:8.1%}{end:8.1%}{delay:7.1f}")
            means = [statistics.fmean(one[column] for one in rows) for column in (1, 2, 3)]
            print(f"{group:28}{means[0]:11.1%}{means[1]:8.1%}{means[2]:8.1%}", flush=True)


def row(
    behaviour: Callable[[random.Random], list[tuple[float, float]]],
    alarm: Callable[[SiteVerdict], bool],
    trials: int,
    seed: int,
) -> tuple[str, float, float, float, float]:
    """Follow one behaviour: shares of alarms in any window, lasting ever, at the end; delay."""
    courses, delays = [], []
    for trial in range(trials):
        simulated = behaviours.simulate(behaviour, f"{seed}/{trial}")
        one = lives.follow(simulated, alarm)
        courses.append(one)
        if one.first is not None and one.last:
            since = behaviours.leak_begins(behaviour, f"{seed}/{trial}")
            delays.append(one.first - max(since, lives.FIRST_WINDOW - lives.IN_A_ROW))
    return (
        behaviour.__name__,
        statistics.fmean(one.ever for one in courses),
        statistics.fmean(one.first is not None for one in courses),
        statistics.fmean(one.last for one in courses),
        statistics.median(delays) if delays else float("nan"),
    )


def whole_runs(runs: int, sites: int, seed: int) -> None:
    for title, clean in (
        ("clean sites as in the note", behaviours.CLEAN),
        ("slow ones too", behaviours.CLEAN + behaviours.SLOW_CLEAN),
        ("clean sites all alike: steady churn", (behaviours.steady,)),
    ):
        named = wrong = leaking = found = flagged = 0
        shares = []
        for number in range(runs):
            rng = random.Random(f"{seed} {number}")
            run = {}
            for site in range(sites):
                leaks = rng.random() < LEAKING_SHARE
                behaviour = rng.choice(behaviours.LEAKING if leaks else clean)
                name = f"{'leak' if leaks else 'clean'}{site}"
                run[name] = behaviours.simulate(behaviour, f"{seed}/{number}/{site}")
            judged = lives.judge(run, behaviours.LENGTH)
            called = [name for name, one in judged.items() if one.verdict == "leak"]
            false = sum(name.startswith("clean") for name in called)
            named += len(called)
            wrong += false
            leaking += sum(name.startswith("leak") for name in run)
            found += len(called) - false
            flagged += false > 0
            shares.append(false / len(called) if called else 0.0)
        print(
            f"  {title}: {found}/{leaking} leaks found ({found / leaking:.1%}), {wrong}/{named} "
            f"called wrongly; false-discovery rate {statistics.fmean(shares):.2%} "
            f"(asked for: {FALSE_DISCOVERY_RATE:.0%}); runs with a false one {flagged}/{runs}",
            flush=True,
        )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=150, help="of each behaviour")
    parser.add_argument("--runs", type=int, default=200, help="of many sites")
    parser.add_argument("--sites", type=int, default=60, help="in each of these runs")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    began = time.process_time()
    single_sites(options.trials, options.seed)
    print(f"== runs of {options.sites} sites, {LEAKING_SHARE:.0%} of them leaking, at their end")
    whole_runs(options.runs, options.sites, options.seed)
    print(f"{time.process_time() - began:.0f} s of processor time")
    return 0
