"""Score `klg check`, and the peers that are installed, on a table of leak fixes."""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from corpora.download import Downloads, Unavailable
from corpora.klg import CheckFailed, check
from leak_fixes import peers, rows, score, table
from leak_fixes.sources import Source, Sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from corpora.klg import Alarm, Checked


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 unless the table cannot be read or nothing could be scored."""
    options = _parser().parse_args(arguments)
    try:
        wanted = rows.read(options.table, all_rows=options.all_rows)
    except (rows.BadTable, OSError) as error:
        print(f"{error}", file=sys.stderr)
        return 2
    sources = Sources(
        Downloads(options.cache),
        options.cache / "git",
        options.clones,
        packages=options.packages,
    )
    run = _Run(sources, whole_trees=options.tree, packages=options.packages)
    others = peers.installed(options.peers, options.semgrep_config) if options.peers else {}
    scored = [run.score(row, others) for row in wanted]
    tools = [table.OURS, *others]
    for line in table.lines(scored, tools):
        print(line)
    if not options.no_density:
        print()
        for line in run.density():
            print(line)
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in scored], indent=1) + "\n")
    return 0 if any(one.outcomes for one in scored) else 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="score_leak_fixes.py", description=__doc__)
    parser.add_argument("--table", type=Path, required=True, help="rows; columns in README.md")
    parser.add_argument("--cache", type=Path, required=True, help="folder for releases")
    parser.add_argument("--clones", type=Path, help="git clones, for rows without a release")
    parser.add_argument("--all-rows", action="store_true", help="not only reportable = y")
    parser.add_argument("--tree", action="store_true", help="check whole releases, not one file")
    parser.add_argument("--no-density", action="store_true", help="save the time of --all")
    parser.add_argument(
        "--packages",
        action="store_true",
        help="of commits, check the package where a row needs a callee or the class",
    )
    parser.add_argument(
        "--peers",
        type=Path,
        action="append",
        default=[],
        metavar="BIN",
        help="folder with the programs of other analyzers; may be repeated",
    )
    parser.add_argument("--semgrep-config", type=Path, help="a rule file of semgrep's")
    parser.add_argument("--json", type=Path, help="write every outcome")
    return parser


class _Run:
    """Runs each tool once a target, however many rows lie in it."""

    def __init__(self, sources: Sources, *, whole_trees: bool, packages: bool) -> None:
        self._sources = sources
        self._whole_trees = whole_trees
        self._packages = packages
        self._checked: dict[tuple[Path, str], Checked | CheckFailed] = {}
        self._peers: dict[tuple[str, Path], list[Alarm]] = {}
        self._before: set[Path] = set()

    def score(self, row: rows.Row, others: dict[str, peers.Runner]) -> score.Scored:
        scored = score.Scored(row)
        try:
            before, after, reason = self._pair(row)
        except Unavailable as error:
            scored.unavailable = str(error)
            return scored
        self._before.add(self._target(row, before))
        if before.note:
            scored.notes.append(f"before: {before.note}")
        if after is None or after.note:
            scored.notes.append(f"after: {after.note if after else reason}")
        mapped = score.counterpart(before.text, after.text, before.lines) if after else set()
        try:
            ours = self._ours(row, before)
            hit = bool(score.near(ours, before.lines))
            ours_after = self._ours(row, after) if after and hit else None
            scored.outcomes[table.OURS] = score.outcome(row, ours, before.lines, ours_after, mapped)
        except CheckFailed as error:  # a file that we cannot read is a miss, not an excuse
            scored.outcomes[table.OURS] = score.Outcome(hit=False)
            scored.notes.append(f"klg: {error}")
        for name, peer in others.items():
            scored.outcomes[name] = score.outcome(
                row,
                self._peer(name, peer, before.path),
                before.lines,
                self._peer(name, peer, after.path) if after else None,
                mapped,
            )
        return scored

    def _pair(self, row: rows.Row) -> tuple[Source, Source | None, str]:
        """Give the file before and after the fix, or why there is none after."""
        before = self._sources.before(row)
        try:
            after = self._sources.after(row)
        except Unavailable as error:
            return before, None, str(error)
        if not row.local or not score.same_function(before.text, after.text, before.lines):
            return before, after, ""
        try:
            return (
                self._sources.before(row, commits=True),
                self._sources.after(row, commits=True),
                "",
            )
        except Unavailable as error:
            message = f"the fix is not between {row.before} and {row.after}; {error}"
            raise Unavailable(message) from None

    def density(self) -> Iterable[str]:
        """Say how many findings there are in what was read before the fixes."""
        for option in ("", "--all"):
            alarms: dict[str, int] = defaultdict(int)
            lines, failed = 0, 0
            for target in sorted(self._before):
                checked = self._check(target, option)
                if isinstance(checked, Exception):
                    failed += 1
                    continue
                lines += checked.lines
                failed += len(checked.errors)
                for alarm in checked.alarms:
                    alarms[alarm.tier] += 1
            total = sum(alarms.values())
            split = ", ".join(f"{tier} {alarms[tier]}" for tier in rows.TIERS if alarms[tier])
            rate = f"{1000 * total / lines:.2f} per 1,000 lines" if lines else "no lines"
            what = "klg check --all" if option else "klg check"
            yield f"{what}: {total} findings in {lines} lines, {rate} ({split or 'none'})"
            if failed:
                yield f"{what}: {failed} files or trees could not be analysed"

    def _target(self, row: rows.Row, source: Source) -> Path:
        whole = self._whole_trees or (self._packages and not row.local)
        return source.root if whole else source.path

    def _ours(self, row: rows.Row, source: Source) -> list[Alarm]:
        option = "" if row.tier in score.DEFAULT_TIERS else "--all"
        checked = self._check(self._target(row, source), option)
        if isinstance(checked, CheckFailed):
            raise checked
        wrong = [message for file, message in checked.errors if Path(file) == source.path]
        if wrong:
            raise CheckFailed(wrong[0])
        here = [alarm for alarm in checked.alarms if Path(alarm.file) == source.path]
        return score.of_kind(row, here)

    def _check(self, target: Path, option: str) -> Checked | CheckFailed:
        key = (target, option)
        if key not in self._checked:
            try:
                self._checked[key] = check([target], *([option] if option else []))
            except CheckFailed as error:
                self._checked[key] = error
        return self._checked[key]

    def _peer(self, name: str, run: peers.Runner, file: Path) -> list[Alarm]:
        key = (name, file)
        if key not in self._peers:
            self._peers[key] = run(file)
        return self._peers[key]
