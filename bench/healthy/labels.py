"""Labels of alarms, and what follows from them."""

from __future__ import annotations

import csv
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from corpora.klg import Alarm

LABELS = ("true", "false", "minor")
"""``minor``: what the message says is so, and no maintainer would change the code for it."""

COLUMNS = ("package", "version", "file", "line", "code", "label", "reason")


class BadLabels(Exception):
    """A label file with a wrong column, label or line, or with two labels for one alarm."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What a label is attached to; the file is relative to the root of its corpus."""

    package: str
    version: str
    file: str
    line: int
    code: str

    def __str__(self) -> str:
        """Show it as an editor would open it."""
        return f"{self.package} {self.version}  {self.file}:{self.line}  {self.code}"


@dataclass(slots=True)
class Judged:
    """The alarms of one corpus, or of all, split by label."""

    lines: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    unlabelled: list[tuple[Key, Alarm]] = field(default_factory=list)

    @property
    def labelled(self) -> int:
        """Alarms that a person has judged."""
        return sum(self.counts.values())

    @property
    def alarms(self) -> int:
        """All alarms."""
        return self.labelled + len(self.unlabelled)

    def add(self, other: Judged) -> None:
        """Count another corpus in."""
        self.lines += other.lines
        self.counts += other.counts
        self.unlabelled += other.unlabelled


def read(table: Path) -> dict[Key, str]:
    """Read the label file."""
    labels: dict[Key, str] = {}
    with table.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            message = f"{table}: columns are {reader.fieldnames}, not {list(COLUMNS)}"
            raise BadLabels(message)
        for number, cells in enumerate(reader, start=2):
            key = _key(cells, f"{table}:{number}")
            if key in labels:
                message = f"{table}:{number}: a second label for {key}"
                raise BadLabels(message)
            labels[key] = cells["label"]
    return labels


def judge(alarms: Iterable[tuple[Key, Alarm]], labels: dict[Key, str], lines: int) -> Judged:
    """Split alarms by label."""
    judged = Judged(lines=lines)
    for key, alarm in alarms:
        if key in labels:
            judged.counts[labels[key]] += 1
        else:
            judged.unlabelled.append((key, alarm))
    return judged


def wilson(successes: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Give the Wilson score interval of a share (E. B. Wilson, JASA 22, 1927).

    Parameters
    ----------
    z : float
        Quantile of the normal distribution; the default gives 95 %.

    Returns
    -------
    (float, float)
        Lower and upper limit; (0, 1) without any trial.
    """
    if trials == 0:
        return 0.0, 1.0
    share = successes / trials
    scale = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, centre - half), min(1.0, centre + half)


def _key(cells: dict[str, str], where: str) -> Key:
    if cells["label"] not in LABELS or not cells["line"].isdecimal() or not cells["reason"]:
        message = (
            f"{where}: needs a line number, a reason and one of {', '.join(LABELS)}; "
            f"has {cells['line']!r}, {cells['reason']!r}, {cells['label']!r}"
        )
        raise BadLabels(message)
    return Key(cells["package"], cells["version"], cells["file"], int(cells["line"]), cells["code"])
