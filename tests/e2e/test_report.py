"""The one-file report in a real browser, from disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from browser import chromium, until

from kimera_leakguard_native.model.frame import Frame
from kimera_leakguard_native.model.site import RunReport, SiteVerdict
from kimera_leakguard_native.reporters import run_html

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = 'x</script><img src=x onerror="document.title=1">.py'


def test_it_opens_from_disk_and_asks_nobody(tmp_path: Path) -> None:
    stack = (Frame(HOSTILE, 3, "grow"), Frame("main.py", 9, "<module>"))
    sites = [SiteVerdict(HOSTILE, 3, "grow", 5_000_000, 1e4, "leak", 0.95, stack, "427 grew old")]
    report = RunReport(
        20.0, 900, 4096.0, 9e6, {}, {"rss_start": 10_000_000, "rss_end": 15_000_000},
        sites=sites, process_verdict="leak", ended=1_790_000_000.0,
        timeline=[(0.5, 10_000_000), (10.0, 12_000_000), (20.0, 15_000_000)],
    )  # fmt: skip
    path = tmp_path / "report.html"
    path.write_text(run_html.render(report, "leaks.json"), encoding="utf-8")
    with chromium(tmp_path / "profile", "--host-resolver-rules=MAP * ~NOTFOUND") as browser:
        browser.get(path.as_uri())
        assert until(lambda: browser.execute_script("return document.body.dataset.drawn") == "1")
        shown = browser.execute_script("return document.body.innerText")
        assert HOSTILE in shown
        assert "a recorded run" in shown
        assert "4.8 MiB" in shown
        assert browser.execute_script("return document.querySelectorAll('main img').length") == 0
        assert browser.title == "leaks.json - kimera-leakguard"
        assert browser.execute_script(
            "return performance.getEntriesByType('resource').map((entry) => entry.name)"
            ".filter((name) => !name.startsWith('data:'))"
        ) == []  # fmt: skip
        errors = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        assert errors == []
