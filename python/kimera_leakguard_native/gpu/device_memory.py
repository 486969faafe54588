"""Device memory by the Python line that took it, whoever manages it."""

from __future__ import annotations

import os
import sysconfig
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

UNKNOWN = ("", 0, "")
"""The site of memory whose line nobody recorded."""

_LIBRARIES = tuple(
    os.path.join(path, "")
    for path in {
        sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")
    }
)


@dataclass(frozen=True)
class LineMemory:
    """What one line holds.

    Attributes
    ----------
    file, line, function : str, int, str
        The innermost call outside of the standard library and of installed packages; empty where it
        was not recorded.
    live_bytes, blocks : int
        In use now.
    oldest : float or None
        Start of the oldest block, in seconds since the epoch; None where it was not recorded.
    """

    file: str
    line: int
    function: str
    live_bytes: int
    blocks: int
    oldest: float | None = None


@dataclass(frozen=True)
class DeviceMemory:
    """One manager's memory on one device.

    Attributes
    ----------
    source : str
        ``torch``, ``cupy`` or ``slots``.
    device : str
        As the manager names it.
    live_bytes : int
        In use. What a leak holds is in here.
    pending_bytes : int
        Freed by the program, but waiting for a stream.
    slack_bytes : int
        Kept by the manager for later and in use by nobody: no leak, however much it is.
    lines : list of LineMemory
        Most bytes first.
    """

    source: str
    device: str
    live_bytes: int
    pending_bytes: int
    slack_bytes: int
    lines: list[LineMemory] = field(default_factory=list)


def application_frame(frames: Iterable[tuple[str, int, str]]) -> tuple[str, int, str]:
    """Pick the frame that a reader would look at, of frames that come innermost first.

    The first that lies neither in the standard library nor in an installed package; without one the
    innermost; without any `UNKNOWN`.
    """
    first = UNKNOWN
    for frame in frames:
        first = frame if first is UNKNOWN else first
        if frame[0].endswith(".py") and not frame[0].startswith(_LIBRARIES):
            return frame
    return first


def by_line(
    blocks: Iterable[tuple[tuple[str, int, str], int, float | None]],
) -> list[LineMemory]:
    """Sum blocks, given as (site, bytes, start in seconds), by their site; most bytes first."""
    size: defaultdict[tuple[str, int, str], int] = defaultdict(int)
    count: defaultdict[tuple[str, int, str], int] = defaultdict(int)
    oldest: dict[tuple[str, int, str], float] = {}
    for site, bytes_, start in blocks:
        size[site] += bytes_
        count[site] += 1
        if start is not None:
            oldest[site] = min(start, oldest.get(site, start))
    lines = [LineMemory(*site, size[site], count[site], oldest.get(site)) for site in size]
    return sorted(lines, key=lambda line: (-line.live_bytes, line.file, line.line))
