"""Check healthy code in the default output, and compare the alarms with the labels."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from corpora.download import Downloads, Unavailable
from corpora.klg import CheckFailed, check
from healthy import labels
from healthy.corpora import PACKAGES, STDLIB, Corpus, pins, released, stdlib, without_tests

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corpora.klg import Alarm
    from healthy.corpora import Pin

_HERE = Path(__file__).parent
_SETS = {
    "read": (PACKAGES, _HERE / "labels.tsv"),
    "unseen": (_HERE / "unseen.tsv", _HERE / "unseen_labels.tsv"),
    "fresh": (_HERE / "fresh.tsv", _HERE / "fresh_labels.tsv"),
}
"""Tables of packages with their labels; only the first set has the standard library."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 if alarms are without a label, 2 if something could not be checked."""
    options = _parser().parse_args(arguments)
    table, its_labels = _SETS[options.set]
    wanted = pins(table)
    everything = [pin.package for pin in wanted] + ([STDLIB] if options.set == "read" else [])
    try:
        known = labels.read(options.labels or its_labels)
    except (labels.BadLabels, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    total, seen, failed = labels.Judged(), set(), 0
    print(f"{'corpus':24} {'alarms':>6} {'lines':>8} {'per 1,000':>9}  labels")
    for name in options.only or everything:
        try:
            corpus = _corpus(name, wanted, options.cache)
            if options.set != "read":
                corpus = without_tests(corpus, options.cache / "library")
            found, lines = _alarms(corpus)
        except (Unavailable, CheckFailed) as error:
            print(f"{name:24} could not be checked: {error}")
            failed += 1
            continue
        judged = labels.judge(found, known, lines)
        seen |= {key for key, _ in found}
        print(_summary(f"{corpus.package} {corpus.version}", judged))
        total.add(judged)
    print(_summary("all", total))
    for line in _verdict(total, known.keys() - seen, options.only):
        print(line)
    return 2 if failed else int(bool(total.unlabelled))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="score_healthy.py", description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder for releases")
    parser.add_argument("--set", choices=sorted(_SETS), default="read", help="which packages")
    parser.add_argument("--unseen", action="store_const", dest="set", const="unseen")
    parser.add_argument("--fresh", action="store_const", dest="set", const="fresh")
    parser.add_argument("--labels", type=Path, help="default: those of the set")
    parser.add_argument("--only", action="append", metavar="PACKAGE", help="may be repeated")
    return parser


def _corpus(name: str, known: list[Pin], cache: Path) -> Corpus:
    if name == STDLIB:
        return stdlib(cache)
    for pin in known:
        if pin.package.lower() == name.lower():
            return released(pin, Downloads(cache))
    raise Unavailable(f"{name} is not in the table of packages")


def _alarms(corpus: Corpus) -> tuple[list[tuple[labels.Key, Alarm]], int]:
    checked = check([corpus.root])
    keyed = []
    for alarm in checked.alarms:
        file = Path(alarm.file).relative_to(corpus.root).as_posix()
        key = labels.Key(corpus.package, corpus.version, file, alarm.line, alarm.code)
        keyed.append((key, alarm))
    return keyed, checked.lines


def _summary(name: str, judged: labels.Judged) -> str:
    rate = 1000 * judged.alarms / judged.lines if judged.lines else 0.0
    split = [f"{judged.counts[label]} {label}" for label in labels.LABELS if judged.counts[label]]
    if judged.unlabelled:
        split.append(f"{len(judged.unlabelled)} without a label")
    return f"{name:24} {judged.alarms:6} {judged.lines:8} {rate:9.3f}  {', '.join(split)}"


def _verdict(total: labels.Judged, stale: set[labels.Key], only: list[str] | None) -> Iterator[str]:
    yield ""
    yield f"labelled: {total.labelled} of {total.alarms} alarms"
    for what, counted in (("true", ("true",)), ("true or minor", ("true", "minor"))):
        hits = sum(total.counts[label] for label in counted)
        low, high = labels.wilson(hits, total.labelled)
        share = f"{100 * hits / total.labelled:.1f} %" if total.labelled else "none labelled"
        yield f"{what}: {hits} of {total.labelled} = {share}, 95 % interval {low:.3f} to {high:.3f}"
    if total.unlabelled:
        yield ""
        yield "without a label:"
        yield from (f"  {key}  {alarm.message}" for key, alarm in sorted(total.unlabelled))
    if stale and not only:
        yield ""
        yield f"{len(stale)} labels match no alarm of these versions"
