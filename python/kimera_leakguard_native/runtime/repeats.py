"""Runs something many times and says whether each time leaves memory behind.

The verdict is that of a run, with the repeat as the unit of time: what each leaves grows old.
"""

from __future__ import annotations

import bisect
import gc
from typing import TYPE_CHECKING

from kimera_leakguard_native import _core
from kimera_leakguard_native.errors import LeakGuardError, RuntimeUnavailable
from kimera_leakguard_native.runtime.observation import Observation
from kimera_leakguard_native.runtime.process import Resident

if TYPE_CHECKING:
    from collections.abc import Callable

    from kimera_leakguard_native.model.site import SiteVerdict

MIN_REPEATS = 16
"""Below that no object can grow old enough for a verdict."""

SAMPLE_BYTES = 8.0
"""Most objects are samples, the smallest too: a test allocates little."""

_ROUNDS = 2
"""A site must leak in each of so many."""

_CONFIRMED = 0.9
_LARGE = 1024.0
"""A site must be confirmed, with this confidence, in one round, or leave so many bytes a repeat:
caches of the interpreter keep a name or two of what runs, one object a repeat."""


def leaks_of_repeats(
    run: Callable[[], bool], *, warmup: int, repeats: int
) -> list[SiteVerdict] | None:
    """Run something, and give the sites of the application that leak with each run.

    A site must leak in two rounds of repeats, one after the other, with samplers of their own.

    Parameters
    ----------
    run : callable
        Gives False where it has failed, which ends the repeats.
    warmup : int
        Runs before the first one that counts: modules are imported then, caches are filled.
    repeats : int
        At least `MIN_REPEATS`.

    Returns
    -------
    list of SiteVerdict or None
        The fastest growing first, in bytes a repeat; None where a run has failed.

    Raises
    ------
    RuntimeUnavailable
        The sampler cannot work in this interpreter, or is at work for somebody else.
    """
    if reason := _core.sampler.unavailable_reason():
        raise RuntimeUnavailable(f"repeats cannot be watched here: {reason}")
    if _core.sampler.recording():
        raise RuntimeUnavailable("repeats cannot be watched: the sampler is already running")
    for _ in range(warmup):
        if not run():
            return None
    suspects: dict[tuple[str | None, int], float] | None = None
    for _ in range(_ROUNDS):
        judged = _round(run, repeats)
        if judged is None:
            return None
        leaking = [
            site
            for site in judged
            if site.verdict == "leak"
            if suspects is None or (site.file, site.line) in suspects
        ]
        if not leaking:
            return []
        before = suspects or {}
        suspects = {
            place: max(site.confidence, before.get(place, 0.0))
            for site in leaking
            for place in [(site.file, site.line)]
        }
    sure = suspects or {}
    return [
        site
        for site in leaking
        if sure[site.file, site.line] >= _CONFIRMED or site.growth_bytes_per_s >= _LARGE
    ]


def _round(run: Callable[[], bool], repeats: int) -> list[SiteVerdict] | None:
    # Collecting each time tells garbage from leaks; frozen, the rest of the process costs nothing.
    frozen = gc.get_freeze_count() == 0
    gc.collect()
    if frozen:
        gc.freeze()
    try:
        _core.sampler.start(mean_bytes=SAMPLE_BYTES)
    except LeakGuardError as error:
        raise RuntimeUnavailable(f"repeats cannot be watched: {error}") from error
    capture = _core.sampler.own_capture()
    observation = Observation(capture, lambda: Resident(0, 0), looks=False)
    ends = [capture.totals()["seconds"]]
    try:
        for number in range(1, repeats + 1):
            if not run():
                return None
            gc.collect()
            observation.poll()
            observation.look(float(number))
            ends.append(capture.totals()["seconds"])
        return observation.verdicts_by(_Steps(ends), float(repeats))
    finally:
        _core.sampler.stop()
        if frozen:
            gc.unfreeze()


class _Steps:
    """Turns seconds into repeats, with a fraction for the time within one."""

    def __init__(self, ends: list[float]) -> None:
        self._ends = ends

    def __call__(self, seconds: float) -> float:
        index = bisect.bisect_right(self._ends, seconds)
        if index == 0:
            return 0.0
        if index == len(self._ends):
            return float(index - 1)
        begin, end = self._ends[index - 1], self._ends[index]
        return index - 1 + (seconds - begin) / max(end - begin, 1e-9)
