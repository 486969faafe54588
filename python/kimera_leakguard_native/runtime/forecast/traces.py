"""Labelled traces of memory over time: simulated processes that run out of it and that do not.

Everything is drawn: lengths from an hour to four days, shapes, noise, daily load, collections,
restarts. The unit of time is the second; the limit is 1000.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

LIMIT = 1000.0
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Trace:
    """One trace.

    Attributes
    ----------
    kind : str
        The behaviour.
    times, values : tuple of float
        Up to twice the time until the limit is reached, for leaks.
    exhausted : float or None
        When the limit is reached first; None where it never is.
    limit : float
        In the unit of `values`.
    """

    kind: str
    times: tuple[float, ...]
    values: tuple[float, ...]
    exhausted: float | None
    limit: float = LIMIT


LEAKING = (
    "steady leak",
    "late leak",
    "load-following leak",
    "accelerating leak",
    "stepwise leak",
    "leak after a warm-up",
    "leak after a restart",
)
CLEAN = (
    "flat",
    "daily load",
    "warm-up",
    "sawtooth collection",
    "steps",
    "restarts",
    "random walk about a level",
    "load ramp that ends",
)


def training_traces(per_kind: int) -> list[Trace]:
    """Draw so many of each kind; none of them is among those that forecasts are scored on."""
    return [
        simulate(kind, f"training {number}")
        for kind in (*LEAKING, *CLEAN)
        for number in range(per_kind)
    ]


def simulate(kind: str, seed: int | str) -> Trace:
    """Draw a trace of a kind."""
    rng = random.Random(f"{kind} {seed}")
    number = rng.randint(180, 480)
    length = math.exp(rng.uniform(math.log(3600.0), math.log(4 * DAY)))
    spacing = length / number
    leaks = kind in LEAKING
    total = number * 2 if leaks else number
    times = [spacing * k for k in range(total)]
    base = rng.uniform(150, 450)
    if leaks:
        values = [base + (LIMIT - base) * part for part in _leak(kind, rng, times, length)]
        room = LIMIT - base
    else:
        ceiling = rng.uniform(base + 50, 930)
        room = ceiling - base
        values = [base + room * part for part in _clean(kind, rng, times, length)]
    values = _disturbed(rng, times, values, room, LIMIT * 0.985 if not leaks else math.inf)
    hit = next((t for t, v in zip(times, values, strict=True) if v >= LIMIT), None)
    return Trace(kind, tuple(times), tuple(values), hit if leaks else None)


def _leak(kind: str, rng: random.Random, times: list[float], length: float) -> list[float]:
    if kind == "late leak":
        begin = rng.uniform(0.1, 0.5) * length
        return [max(0.0, t - begin) / (length - begin) for t in times]
    if kind == "load-following leak":
        phase = rng.uniform(0, 2 * math.pi)
        period = DAY if length > 2 * DAY else length / rng.uniform(2, 5)
        loads = [1 + 0.9 * math.sin(2 * math.pi * t / period + phase) for t in times]
        return _cumulated(loads, len(times) // 2)
    if kind == "accelerating leak":
        power = rng.uniform(1.3, 1.8)
        return [(t / length) ** power for t in times]
    if kind == "stepwise leak":
        chance = rng.uniform(0.03, 0.15)
        steps = [rng.uniform(0.5, 1.5) if rng.random() < chance else 0.0 for _ in times]
        steps[0] = 0.1
        return _cumulated(steps, len(times) // 2)
    if kind == "leak after a warm-up":
        share, tau = rng.uniform(0.1, 0.4), rng.uniform(0.03, 0.1) * length
        return [share * (1 - math.exp(-t / tau)) + (1 - share) * t / length for t in times]
    if kind == "leak after a restart":
        restart = rng.uniform(0.2, 0.5) * length
        before = rng.uniform(0.3, 0.8)
        return [
            before * t / restart if t < restart else (t - restart) / (length - restart)
            for t in times
        ]
    return [t / length for t in times]


def _clean(kind: str, rng: random.Random, times: list[float], length: float) -> list[float]:
    phase = rng.uniform(0, 2 * math.pi)
    if kind == "daily load":
        period = DAY if length > 2 * DAY else length / rng.uniform(1.2, 5)
        return [0.5 + 0.5 * math.sin(2 * math.pi * t / period + phase) for t in times]
    if kind == "warm-up":
        tau = rng.uniform(0.03, 0.25) * length
        return [1 - math.exp(-t / tau) for t in times]
    if kind == "sawtooth collection":
        period = length / rng.uniform(3, 40)
        return [((t + phase) % period) / period for t in times]
    if kind == "steps":
        level, levels = rng.random(), []
        for _ in times:
            if rng.random() < 0.015:
                level = rng.random()
            levels.append(level)
        return levels
    if kind == "restarts":
        period, tau = length / rng.uniform(2, 6), rng.uniform(0.05, 0.3)
        return [1 - math.exp(-((t % period) / period) / tau) for t in times]
    if kind == "random walk about a level":
        level, levels = 0.0, []
        for _ in times:
            level += -level / 40 + rng.gauss(0, 0.06)
            levels.append(min(1.0, max(0.0, 0.5 + level)))
        return levels
    if kind == "load ramp that ends":
        begin, end = rng.uniform(0.1, 0.4) * length, rng.uniform(0.5, 0.8) * length
        return [min(1.0, max(0.0, (t - begin) / (end - begin))) for t in times]
    return [0.5] * len(times)


def _cumulated(rates: list[float], number: int) -> list[float]:
    total = sum(rates[:number]) or 1.0
    level, levels = 0.0, []
    for rate in rates:
        levels.append(level / total)
        level += rate
    return levels


def _disturbed(
    rng: random.Random, times: list[float], values: list[float], room: float, ceiling: float
) -> list[float]:
    """Add a daily cycle, a collector's sawtooth and correlated noise."""
    day, phase = rng.uniform(0, 0.08) * room, rng.uniform(0, 2 * math.pi)
    period = times[-1] / rng.uniform(8, 60)
    saw, size = rng.uniform(0, 0.06) * room, rng.uniform(0.002, 0.02) * room
    level, disturbed = 0.0, []
    for time, value in zip(times, values, strict=True):
        level = 0.9 * level + 0.44 * rng.gauss(0, 1)
        extra = day * math.sin(2 * math.pi * time / DAY + phase) + saw * (time % period) / period
        disturbed.append(min(ceiling, max(1.0, value + extra + size * level)))
    return disturbed
