"""Growth that is worth a closer look: too little for a verdict, too much to be ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.runtime.detectors.flux import flux

if TYPE_CHECKING:
    from kimera_leakguard_native.runtime.detectors.flux import Population

MIN_SECONDS = 10.0
"""A younger run is still starting up."""

MIN_GROWN = 3
ENOUGH_GROWN = 40
"""Crossings of an age from which on a finer mean would tell nothing new."""

DIED_SHARE = 1 / 4
"""Of the crossings: where more old objects die, it is a population that turns over."""


def suspicion(population: Population, now: float) -> bool:
    """Say whether a site may leak, from a handful of its objects.

    In the last half of the time some have grown old, a sixth of the time, and hardly any old one
    has died.

    Parameters
    ----------
    now : float
        Seconds since the start.
    """
    if now < MIN_SECONDS:
        return False
    seen = flux(population, now / 6, now / 2, now)
    return MIN_GROWN <= seen.grown < ENOUGH_GROWN and seen.died <= DIED_SHARE * seen.grown
