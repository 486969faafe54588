"""Prints how well memory exhaustion is foreseen, and trains the model that comes with the package.

    python bench/score_forecast.py [--per-kind 60] [--train]

Traces that the model was not trained on: simulated ones of every kind, each watched as it goes on,
with a horizon of a fifth of its length; an alarm lasts two looks. It is right where memory runs
out within two horizons. Then recordings of real runs (the resident size of planted programs), cut
off before their end: their last size is the limit.
"""

from __future__ import annotations

import argparse
import bisect
import json
import math
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.rivals import RIVALS
from kimera_leakguard_native.runtime.forecast import coefficients, traces, training
from kimera_leakguard_native.runtime.forecast.detector import ALARM
from kimera_leakguard_native.runtime.forecast.outlook import outlook

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kimera_leakguard_native.runtime.forecast.traces import Trace

LOOKS = 60
SHARE = 0.2
TRAINING_PER_KIND = 100
RECORDINGS = Path(__file__).with_name("recordings.json")


@dataclass
class Tally:
    """Right, premature and false alarms, and misses."""

    right: int = 0
    premature: int = 0
    false: int = 0
    missed: int = 0
    lead: list[float] = field(default_factory=list)
    false_kinds: dict[str, int] = field(default_factory=dict)

    def line(self, name: str) -> str:
        """Write it as a row."""
        alarms = self.right + self.premature + self.false
        leaks = self.right + self.premature + self.missed
        lead = statistics.median(self.lead) if self.lead else float("nan")
        return (
            f"  {name:18}precision {self.right / max(1, alarms):6.1%}  recall "
            f"{self.right / max(1, leaks):6.1%}  premature {self.premature:4}  false {self.false:4}"
            f"  missed {self.missed:4}  median lead {lead:.2f} horizons"
        )


def ours(times: Sequence[float], values: Sequence[float], limit: float, horizon: float) -> bool:
    """Whether the package's model would raise an alarm."""
    seen = outlook(times, values, limit)
    if seen is None:
        return False
    return coefficients.TRAINED.probability(training.features(seen, horizon)) > ALARM


def watch(trace: Trace, alarm: Callable[..., bool], tally: Tally) -> None:
    """Follow one trace and count its first lasting alarm."""
    end = trace.exhausted if trace.exhausted is not None else trace.times[-1]
    horizon = SHARE * end
    streak = 0
    for look in range(6, LOOKS):
        now = end * look / LOOKS
        count = bisect.bisect_right(trace.times, now)
        on = alarm(trace.times[:count], trace.values[:count], trace.limit, horizon)
        streak = streak + 1 if on else 0
        if streak < 2:
            continue
        if trace.exhausted is None:
            tally.false += 1
            tally.false_kinds[trace.kind] = tally.false_kinds.get(trace.kind, 0) + 1
        elif trace.exhausted - now > 2 * horizon:
            tally.premature += 1
        else:
            tally.right += 1
            tally.lead.append((trace.exhausted - now) / horizon)
        return
    if trace.exhausted is not None:
        tally.missed += 1


def alarms(held_out: list[Trace]) -> None:
    print(f"alarms on {len(held_out)} traces, half of the kinds leak")
    methods: dict[str, Callable[..., bool]] = {"ours": ours}
    for name, rival in RIVALS.items():
        methods[name] = lambda times, values, limit, horizon, rival=rival: (
            len(times) >= 12 and rival((times, values), limit, horizon) < horizon
        )
    for name, method in methods.items():
        tally = Tally()
        for trace in held_out:
            watch(trace, method, tally)
        print(tally.line(name), flush=True)
        if name == "ours":
            print(f"    false by kind: {tally.false_kinds}")


def times_to_exhaustion(held_out: list[Trace]) -> None:
    print("time to exhaustion at 40, 60 and 80 % of the way: median |error| of what remains")
    methods: dict[str, list[float]] = {name: [] for name in ("ours", *RIVALS)}
    inside, widths, finite = [], [], 0
    for trace in held_out:
        if trace.exhausted is None:
            continue
        for share in (0.4, 0.6, 0.8):
            now = share * trace.exhausted
            count = bisect.bisect_right(trace.times, now)
            times, values = trace.times[:count], trace.values[:count]
            rest = trace.exhausted - now
            seen = outlook(times, values, trace.limit)
            expected = seen.seconds if seen else math.inf
            methods["ours"].append(abs(expected - rest) / rest)
            for name, rival in RIVALS.items():
                until = rival((times, values), trace.limit, SHARE * trace.exhausted)
                methods[name].append(abs(until - rest) / rest)
            if seen is not None:
                inside.append(seen.low <= rest <= seen.high)
                finite += math.isfinite(seen.high)
                widths.append((min(seen.high, 2 * seen.history) - seen.low) / rest)
    for name, errors in methods.items():
        near = statistics.fmean(error <= 0.25 for error in errors)
        print(f"  {name:18}{statistics.median(errors):7.1%}  within a quarter {near:6.1%}")
    print(
        f"  interval holds the time in {statistics.fmean(inside):.1%} of {len(inside)} cases"
        f" (meant: 80 %), has an end in {finite / len(inside):.0%}, median width"
        f" {statistics.median(widths):.2f} of what remains",
        flush=True,
    )


def calibration(held_out: list[Trace]) -> None:
    rows = [
        (coefficients.TRAINED.probability(row), label)
        for trace in held_out
        for row, label in training.examples(trace)
    ]
    print(f"calibration over {len(rows)} forecasts: probability said, share that came true")
    gap = 0.0
    for low in range(10):
        part = [(p, label) for p, label in rows if low <= min(p * 10, 9.99) < low + 1]
        if part:
            said = statistics.fmean(p for p, _ in part)
            came = statistics.fmean(label for _, label in part)
            gap += abs(said - came) * len(part) / len(rows)
            print(f"  {said:.2f}  {came:.2f}  ({len(part)})")
    print(f"  expected calibration error {gap:.3f}", flush=True)


def recordings() -> None:
    found = [
        traces.Trace(one["program"], tuple(one["times"]), tuple(one["values"]), None)
        for one in json.loads(RECORDINGS.read_text(encoding="utf-8"))
    ]
    leaks = {
        one["program"]: one["leaks"] for one in json.loads(RECORDINGS.read_text(encoding="utf-8"))
    }
    print(f"{len(found)} recorded runs (resident size), looked at after 75 % of each")
    errors: dict[str, list[float]] = {name: [] for name in ("ours", *RIVALS)}
    inside: list[bool] = []
    said: list[tuple[bool, bool]] = []
    for trace in found:
        now = 0.75 * trace.times[-1]
        count = bisect.bisect_right(trace.times, now)
        times, values = trace.times[:count], trace.values[:count]
        grown = trace.values[-1] - values[-1]
        rest = trace.times[-1] - times[-1]
        if leaks[trace.kind] and grown > 2 * 2**20:
            limit = trace.values[-1]
            seen = outlook(times, values, limit)
            expected = seen.seconds if seen else math.inf
            errors["ours"].append(abs(expected - rest) / rest)
            inside.append(seen is not None and seen.low <= rest <= seen.high)
            for name, rival in RIVALS.items():
                errors[name].append(abs(rival((times, values), limit, rest) - rest) / rest)
            said.append((True, ours(times, values, limit, 2 * rest)))
        elif not leaks[trace.kind]:
            # Half as much again as it ever needs.
            limit = 1.5 * max(trace.values)
            said.append((False, ours(times, values, limit, 2 * rest)))
    for name, each in errors.items():
        print(f"  {name:18}median |error| {statistics.median(each):7.1%} over {len(each)} leaks")
    print(f"  interval holds the time in {sum(inside)}/{len(inside)}")
    right = sum(alarm for leak, alarm in said if leak)
    false = sum(alarm for leak, alarm in said if not leak)
    print(
        f"  alarms: {right}/{sum(leak for leak, _ in said)} of the leaks (horizon twice what"
        f" remains), {false}/{sum(not leak for leak, _ in said)} of the clean"
    )


def train() -> None:
    model = training.train(traces.training_traces(TRAINING_PER_KIND))
    path = Path(coefficients.__file__)
    lines = "".join(f"        {weight!r},\n" for weight in model.weights)
    path.write_text(
        '"""Weights of the model; written by `python bench/score_forecast.py --train`."""\n\n'
        "from __future__ import annotations\n\n"
        "from kimera_leakguard_native.runtime.forecast.logistic import Logistic\n\n"
        f"TRAINED = Logistic(\n    (\n{lines}    )\n)\n",
        encoding="utf-8",
    )
    print(f"wrote {len(model.weights)} weights to {path.name}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--per-kind", type=int, default=60, help="traces of each kind")
    parser.add_argument("--train", action="store_true", help="fit the package's model anew, only")
    options = parser.parse_args(arguments)
    if options.train:
        train()
        return 0
    held_out = [
        traces.simulate(kind, f"test {number}")
        for kind in (*traces.LEAKING, *traces.CLEAN)
        for number in range(options.per_kind)
    ]
    alarms(held_out)
    times_to_exhaustion(held_out)
    calibration(held_out)
    recordings()
    return 0
