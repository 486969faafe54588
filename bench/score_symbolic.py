"""Print what the symbolic stage changes on real code: alarms with the solver and without it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from corpora.klg import CheckFailed, check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corpora.klg import Alarm


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 2 if something could not be checked."""
    parser = argparse.ArgumentParser(prog="score_symbolic.py", description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files or folders")
    parser.add_argument("--default", action="store_true", help="the default output, not --all")
    options = parser.parse_args(arguments)
    shown = [] if options.default else ["--all"]
    print(f"{'path':40} {'lines':>9} {'without':>8} {'removed':>8} {'other tier':>10}")
    failed = 0
    for path in options.paths:
        try:
            plain = check([path], "--no-cache", "--no-symbolic", *shown)
            solved = check([path], "--no-cache", *shown)
        except CheckFailed as error:
            print(f"{path}: could not be checked: {error}", file=sys.stderr)
            failed += 1
            continue
        before, after = _tiers(plain.alarms), _tiers(solved.alarms)
        removed = sorted(before.keys() - after.keys())
        moved = sorted(key for key in before.keys() & after.keys() if before[key] != after[key])
        print(f"{path.name:40} {solved.lines:9} {len(before):8} {len(removed):8} {len(moved):10}")
        for file, line, code in removed:
            print(f"    removed  {file}:{line}: {code} {before[file, line, code]}")
        for key in moved:
            print(f"    moved    {key[0]}:{key[1]}: {key[2]} {before[key]} -> {after[key]}")
    return 2 if failed else 0


def _tiers(alarms: Sequence[Alarm]) -> dict[tuple[str, int, str], str]:
    return {(alarm.file, alarm.line, alarm.code): alarm.tier for alarm in alarms}


if __name__ == "__main__":
    sys.exit(main())
