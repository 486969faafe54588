"""The score as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leak_fixes.score import groups, recall, silence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leak_fixes.score import Scored

OURS = "klg"


def lines(scored: Sequence[Scored], tools: Sequence[str], *, details: bool = True) -> Iterator[str]:
    """Render recall a group, silence after the fix, and every row."""
    yield "recall"
    yield from _grid(
        ["rows", *tools],
        [
            [name, *(str(recall(members, tool)) for tool in tools)]
            for name, members in groups(scored).items()
        ],
    )
    yield ""
    yield "silent on the same statement after the fix, of the rows hit before"
    yield from _grid(
        ["rows", *tools],
        [["all", *(str(silence(scored, tool)) for tool in tools)]],
    )
    missing = [s for s in scored if s.unavailable]
    if missing:
        yield ""
        yield f"{len(missing)} rows could not be scored"
        for one in missing:
            yield f"  {one.row.tier}  {one.row.name}: {one.unavailable}"
    if details:
        yield ""
        yield from _grid(
            ["tier", "kind", "row", *tools, "remark"],
            [_detail(one, tools) for one in scored if one.outcomes],
        )


def _detail(one: Scored, tools: Sequence[str]) -> list[str]:
    cells = [one.row.tier, one.row.kind, one.row.name]
    for tool in tools:
        found = one.outcomes.get(tool)
        if found is None:
            cells.append("not run")
        elif not found.hit:
            cells.append("-")
        else:
            other = "" if found.same_tier or tool != OURS else ", other tier"
            after = {True: "", False: ", still after", None: ", after unknown"}[found.silent_after]
            cells.append(f"hit{other}{after}")
    return [*cells, "; ".join(one.notes)]


def _grid(head: Sequence[str], body: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in (head, *body)) for i in range(len(head))]
    for row in (head, *body):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
