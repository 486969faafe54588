from __future__ import annotations

import json
from typing import Any

from kimera_leakguard_native.model.site import RunReport, SiteVerdict
from kimera_leakguard_native.reporters import run_diff


def site(line: int, growth: float, verdict: str, function: str = "f", file: str = "a.py") -> Any:
    return SiteVerdict(file, line, function, int(100 * growth), growth, verdict, 0.9)


def report(*sites: SiteVerdict, verdict: str = "leak") -> RunReport:
    return RunReport(1.0, 1, 1.0, 1.0, {}, {}, sites=list(sites), process_verdict=verdict)


def test_sites_pair_by_line_first_and_by_function_where_lines_moved() -> None:
    before = report(
        site(1, 5.0, "leak"), site(9, 2.0, "bounded", "g"), site(3, 1.0, "bounded", "h")
    )
    after = report(site(1, 6.0, "leak"), site(12, 2.5, "leak", "g"), site(4, 1.0, "leak", "new"))
    changes = run_diff.compare(before, after)
    pairs = {
        (c.before.line if c.before else None, c.after.line if c.after else None) for c in changes
    }
    assert pairs == {(1, 1), (9, 12), (3, None), (None, 4)}


def test_two_moved_sites_of_one_function_are_not_guessed() -> None:
    before = report(site(1, 1.0, "leak"), site(2, 1.0, "leak"))
    after = report(site(5, 1.0, "leak"), site(6, 1.0, "leak"))
    changes = run_diff.compare(before, after)
    assert len(changes) == 4
    assert all(c.before is None or c.after is None for c in changes)


def test_new_leaks_come_first_and_are_counted() -> None:
    before = report(site(1, 900.0, "leak"), site(2, 1.0, "bounded", "g"), site(3, 9.0, "leak", "h"))
    after = report(site(1, 100.0, "leak"), site(2, 1.5, "leak", "g"), verdict="clean")
    changes = run_diff.compare(before, after)
    assert changes[0].new_leak
    assert changes[1].gone_leak
    found = run_diff.to_dict(before, after, changes)
    json.dumps(found)
    assert (found["new_leaks"], found["gone_leaks"]) == (1, 1)
    assert found["process_verdict"] == {"before": "leak", "after": "clean"}
    text = run_diff.render(before, after, changes)
    assert "bounded -> leak" in text
    assert "leak -> -" in text
    assert text.startswith("process: leak -> clean; 1 new leaks, 1 gone")


def test_a_run_beside_itself_has_no_change() -> None:
    one = report(site(1, 5.0, "leak"), site(2, 1.0, "bounded"))
    changes = run_diff.compare(one, one)
    assert len(changes) == 2
    assert not any(c.new_leak or c.gone_leak or c.growth_change for c in changes)
