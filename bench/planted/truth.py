"""What each planted program is: the marked lines of its source and its entry in truth.json."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "programs"
TRUTH = Path(__file__).resolve().with_name("truth.json")
MARKER = "# leak"
CLEAN_VERDICTS = frozenset({"clean", "bounded", "warm-up", "retention", "undecided"})


@dataclass(frozen=True)
class Program:
    """A planted program and what a tool should say about it.

    Attributes
    ----------
    leaks : bool
        Whether it leaks; where reasonable people differ, `note` says so.
    lines : frozenset of int
        Every line that allocates memory which is never given back; naming any of them is right.
    line, native : bool
        Whether naming a line, or saying "native, not located", is a right answer.
    fair : frozenset of str
        Process verdicts that a fair reader accepts.
    rate : int
        Bytes a second that are lost, averaged over a run.
    """

    name: str
    path: Path
    kind: str
    leaks: bool
    lines: frozenset[int]
    line: bool
    native: bool
    fair: frozenset[str]
    rate: int
    needs: str | None
    note: str

    def missing(self) -> str | None:
        """Name the module that this program needs and this interpreter has not."""
        return self.needs if self.needs and importlib.util.find_spec(self.needs) is None else None


def marked_lines(path: Path) -> frozenset[int]:
    """Find the lines that carry the marker (1-based)."""
    text = path.read_text(encoding="utf-8").splitlines()
    return frozenset(number for number, line in enumerate(text, 1) if line.endswith(MARKER))


def load(names: tuple[str, ...] = ()) -> list[Program]:
    """Load the named programs, or all of them: the leaking ones first."""
    table = json.loads(TRUTH.read_text(encoding="utf-8"))
    unknown = sorted(set(names) - set(table))
    if unknown:
        raise SystemExit(f"no planted program {', '.join(unknown)}: truth.json lists what there is")
    return [_program(name, entry) for name, entry in table.items() if not names or name in names]


def _program(name: str, entry: dict[str, object]) -> Program:
    path = FOLDER / f"{name}.py"
    leaks = "rate" in entry
    answers = entry.get("answers", ["line"] if leaks else [])
    named = {"leak"} if "line" in answers else set()
    native = {"native"} if "native" in answers else set()
    return Program(
        name=name,
        path=path,
        kind=str(entry["kind"]),
        leaks=leaks,
        lines=marked_lines(path),
        line="line" in answers,
        native="native" in answers,
        fair=frozenset(named | native or entry.get("fair", CLEAN_VERDICTS)),
        rate=int(entry.get("rate", 0)),
        needs=entry.get("needs"),
        note=str(entry.get("note", "")),
    )
