"""What two runs of a program differ in, site by site."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.reporters.sizes import human

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kimera_leakguard_native.model.site import RunReport, SiteVerdict

_SHOWN = 30


@dataclass(frozen=True, slots=True)
class SiteChange:
    """One site in both runs.

    Attributes
    ----------
    before, after : SiteVerdict or None
        None where the run does not have it.
    """

    before: SiteVerdict | None
    after: SiteVerdict | None

    @property
    def growth_change(self) -> float:
        """Bytes a second that it grows more in the second run."""
        return _growth(self.after) - _growth(self.before)

    @property
    def live_change(self) -> int:
        """Live bytes that the second run has more."""
        return _live(self.after) - _live(self.before)

    @property
    def new_leak(self) -> bool:
        """Whether it is called a leak in the second run only."""
        return _verdict(self.after) == "leak" and _verdict(self.before) != "leak"

    @property
    def gone_leak(self) -> bool:
        """Whether it was called a leak in the first run only."""
        return _verdict(self.before) == "leak" and _verdict(self.after) != "leak"


def compare(before: RunReport, after: RunReport) -> list[SiteChange]:
    """Pair the sites of two runs: new leaks first, then by the change of growth.

    A site is the same if its file, function and line are; and, where an edit has moved lines, if it
    is the only unpaired one of its function in both.
    """
    left, right = list(before.sites), list(after.sites)
    changes = []
    for key in (_exact, _in_function):
        index: dict[Any, list[SiteVerdict]] = {}
        for site in right:
            index.setdefault(key(site), []).append(site)
        counts: dict[Any, int] = {}
        for site in left:
            counts[key(site)] = counts.get(key(site), 0) + 1
        for site in list(left):
            same = index.get(key(site), [])
            if len(same) == 1 and counts[key(site)] == 1:
                changes.append(SiteChange(site, same[0]))
                left.remove(site)
                right.remove(same[0])
    changes += [SiteChange(site, None) for site in left]
    changes += [SiteChange(None, site) for site in right]
    return sorted(
        changes, key=lambda one: (not one.new_leak, not one.gone_leak, -abs(one.growth_change))
    )


def to_dict(before: RunReport, after: RunReport, changes: Sequence[SiteChange]) -> dict[str, Any]:
    """Give the comparison as plain data."""
    return {
        "version": 1,
        "process_verdict": {"before": before.process_verdict, "after": after.process_verdict},
        "new_leaks": sum(change.new_leak for change in changes),
        "gone_leaks": sum(change.gone_leak for change in changes),
        "sites": [
            {
                "growth_change_bytes_per_s": change.growth_change,
                "live_change_bytes": change.live_change,
                "before": asdict(change.before) if change.before else None,
                "after": asdict(change.after) if change.after else None,
            }
            for change in changes
        ],
    }


def render(before: RunReport, after: RunReport, changes: Sequence[SiteChange]) -> str:
    """Give the comparison for people."""
    new, gone = sum(c.new_leak for c in changes), sum(c.gone_leak for c in changes)
    verdicts = f"{before.process_verdict} -> {after.process_verdict}"
    lines = [
        f"process: {verdicts}; {new} new leaks, {gone} gone",
        "",
        f"  {'verdict':<22} {'growth':>15} {'live':>12}  site",
    ]
    for change in changes[:_SHOWN]:
        site = change.after or change.before
        place = f"{site.file}:{site.line} in {site.function}" if site and site.file else "native"
        verdicts = f"{_verdict(change.before)} -> {_verdict(change.after)}"
        lines.append(
            f"  {verdicts:<22} {_signed(change.growth_change)}/s {_signed(change.live_change):>12}"
            f"  {place}"
        )
    if len(changes) > _SHOWN:
        lines.append(f"  and {len(changes) - _SHOWN} more: --json has them")
    return "\n".join(lines) + "\n"


def _exact(site: SiteVerdict) -> Any:
    return (site.file, site.function, site.line)


def _in_function(site: SiteVerdict) -> Any:
    return (site.file, site.function)


def _growth(site: SiteVerdict | None) -> float:
    return site.growth_bytes_per_s if site else 0.0


def _live(site: SiteVerdict | None) -> int:
    return site.live_bytes if site else 0


def _verdict(site: SiteVerdict | None) -> str:
    return site.verdict if site else "-"


def _signed(size: float) -> str:
    text = human(size)
    return f"{text if size < 0 else '+' + text:>13}"
