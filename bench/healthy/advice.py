"""Draw a sample of the findings that only `--all` shows on healthy code, and count its labels."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from corpora.download import Downloads, Unavailable
from corpora.klg import Alarm, CheckFailed, check
from healthy import labels
from healthy.corpora import pins, released, without_tests

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HERE = Path(__file__).parent
_PACKAGES = _HERE / "fresh.tsv"
_LABELS = _HERE / "advice_labels.tsv"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 if findings of the sample are without a label, 2 after a failure."""
    parser = argparse.ArgumentParser(prog="score_advice.py", description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder for releases")
    parser.add_argument("--size", type=int, default=60, help="findings in the sample")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    found: list[tuple[labels.Key, Alarm]] = []
    lines = 0
    try:
        known = labels.read(_LABELS)
        for pin in pins(_PACKAGES):
            corpus = without_tests(
                released(pin, Downloads(options.cache)), options.cache / "library"
            )
            everything, default = check([corpus.root], "--all"), check([corpus.root])
            lines += everything.lines
            for alarm in sorted(set(everything.alarms) - set(default.alarms), key=_place):
                file = Path(alarm.file).relative_to(corpus.root).as_posix()
                found.append((_key(corpus.package, corpus.version, file, alarm), alarm))
    except (labels.BadLabels, OSError, Unavailable, CheckFailed) as error:
        print(error, file=sys.stderr)
        return 2
    print(
        f"{len(found)} findings with --all alone, {1000 * len(found) / lines:.2f} per 1,000 lines"
    )
    chosen = sample(found, options.size, options.seed)
    for line in table(chosen, known):
        print(line)
    missing = sorted(item for item in chosen if item[0] not in known)
    for key, alarm in missing:
        print(f"  without a label: {key}  {alarm.message}")
    return int(bool(missing))


def sample(
    found: list[tuple[labels.Key, Alarm]], size: int, seed: int
) -> list[tuple[labels.Key, Alarm]]:
    """Draw findings by a hash of the seed and their place.

    A finding that comes or goes with another version of the analyzer changes one of the sample, and
    not all of them.
    """

    def rank(item: tuple[labels.Key, Alarm]) -> str:
        return hashlib.sha256(f"{seed} {item[0]}".encode()).hexdigest()

    return sorted(found, key=rank)[:size]


def table(chosen: list[tuple[labels.Key, Alarm]], known: dict[labels.Key, str]) -> Iterator[str]:
    """Give the lines of the table: tiers with the findings of each label."""
    counts: dict[str, Counter[str]] = {}
    for key, alarm in chosen:
        counts.setdefault(alarm.tier, Counter())[known.get(key, "")] += 1
    yield f"{'tier':5} {'sample':>6} " + " ".join(f"{name:>6}" for name in labels.LABELS)
    total: Counter[str] = Counter()
    for tier, split in sorted(counts.items()):
        total += split
        yield _row(tier, split)
    yield _row("all", total)
    labelled = sum(total[name] for name in labels.LABELS)
    low, high = labels.wilson(total["true"], labelled)
    share = f"{100 * total['true'] / labelled:.0f} %" if labelled else "none labelled"
    yield f"true: {total['true']} of {labelled} = {share}, 95 % interval {low:.2f} to {high:.2f}"


def _row(name: str, split: Counter[str]) -> str:
    cells = " ".join(f"{split[label]:6}" for label in labels.LABELS)
    return f"{name:5} {sum(split.values()):6} {cells}"


def _place(alarm: Alarm) -> tuple[str, int, str]:
    return alarm.file, alarm.line, alarm.code


def _key(package: str, version: str, file: str, alarm: Alarm) -> labels.Key:
    return labels.Key(package, version, file, alarm.line, alarm.code)
