"""Where a run ends and its teardown begins.

When `main` returns, everything that its locals held dies, the leak included. That is no evidence of
turning over: a run is judged as it was before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kimera_leakguard_native.runtime.life_table import Life

KEPT_SECONDS = 12.0
"""How far back deaths must be known one by one."""

_LAST = 1.0  # seconds that are never judged
_STEP = 0.1
_BURST = 10.0  # times the usual rate


def judged_until(recent: Sequence[Life], earlier: int, end: float) -> float:
    """Give the time up to which a run that has ended is judged.

    Parameters
    ----------
    recent : sequence of Life
        Deaths of old objects within the last `KEPT_SECONDS`.
    earlier : int
        Number of those before.
    end : float
        Seconds from the start to the end.

    Returns
    -------
    float
        A second before the end (a tenth of shorter runs), or earlier where old objects were dying
        by the mass then: the teardown of much memory takes its time.
    """
    until = end - min(_LAST, end / 10)
    steps = int(KEPT_SECONDS / _STEP)
    deaths = [0] * (steps + 1)
    for life in recent:
        if life.death is not None:
            deaths[min(steps, max(0, int((end - life.death) / _STEP)))] += 1
    usual = _STEP * (earlier + 1) / max(end - KEPT_SECONDS, 1.0)
    step = max(0, round((end - until) / _STEP))
    while step < steps and deaths[step] >= max(3.0, _BURST * usual):
        step += 1
    return max(0.0, min(until, end - step * _STEP))
