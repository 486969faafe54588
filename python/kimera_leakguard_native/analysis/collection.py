"""The garbage collector in a process that does nothing but analyse."""

from __future__ import annotations

import gc


def relax() -> None:
    """Let the collector run seldom.

    Syntax trees are millions of small objects without cycles; looking for cycles among them takes a
    quarter of a run. For processes of our own only: a library does not change its host.
    """
    gc.freeze()
    gc.set_threshold(200_000, 50, 1000)
