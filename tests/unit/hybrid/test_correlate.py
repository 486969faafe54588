"""The joint: a growing site takes the finding of its innermost line that has one."""

import pytest

from kimera_leakguard_native.hybrid import correlate
from kimera_leakguard_native.model.finding import Finding
from kimera_leakguard_native.model.frame import Frame
from kimera_leakguard_native.model.site import RunReport, SiteVerdict


@pytest.fixture
def sources(tmp_path):
    for name in ("app.py", "lib.py"):
        (tmp_path / name).write_text("pass\n" * 50, encoding="utf-8")
    return tmp_path


def finding(path, line, *, end_line=None, confidence=0.9, code="KLG101"):
    return Finding(
        code=code,
        rule="unreleased-file",
        message="never closed",
        file=str(path),
        line=line,
        end_line=end_line or line,
        column=1,
        tier="E",
        confidence=confidence,
        detection_result="potential_leak",
        resource="file",
    )


def site(*frames, verdict="leak", growth=1000.0):
    outer = frames[-1]
    return SiteVerdict(
        file=outer.file,
        line=outer.line,
        function=outer.function,
        live_bytes=10_000,
        growth_bytes_per_s=growth,
        verdict=verdict,
        confidence=0.9,
        stack=frames,
    )


def report(*sites):
    return RunReport(
        duration_s=60.0,
        samples=100,
        sample_bytes_effective=65536.0,
        allocated_bytes_estimate=1e7,
        overhead={"estimated_fraction": 0.001},
        process={"rss_start": 1, "rss_end": 2},
        sites=list(sites),
        process_verdict="leak",
    )


def test_a_leak_at_the_line_of_a_finding_is_confirmed_and_explained(sources):
    known = finding(sources / "lib.py", 12)
    growing = site(
        Frame(str(sources / "lib.py"), 12, "acquire"), Frame(str(sources / "app.py"), 3, "handle")
    )
    joined = correlate.explain(report(growing), lambda _: [known])
    assert joined.sites[0].finding == "KLG101"
    assert [(f.code, f.line, f.detection_result) for f in joined.findings] == [
        ("KLG101", 12, "confirmed_leak")
    ]


def test_a_site_without_a_finding_stays_as_it_was(sources):
    growing = site(Frame(str(sources / "app.py"), 3, "handle"))
    joined = correlate.explain(report(growing), lambda _: [finding(sources / "app.py", 4)])
    assert joined.sites == [growing]
    assert joined.findings == []


def test_the_innermost_frame_wins(sources):
    inner, outer = finding(sources / "lib.py", 12), finding(sources / "app.py", 3, confidence=1.0)
    growing = site(
        Frame(str(sources / "lib.py"), 12, "acquire"), Frame(str(sources / "app.py"), 3, "handle")
    )
    assert correlate.match(growing, [outer, inner]) is inner


def test_a_statement_over_several_lines_matches_at_each(sources):
    known = finding(sources / "app.py", 10, end_line=13)
    assert correlate.match(site(Frame(str(sources / "app.py"), 13, "f")), [known]) is known
    assert correlate.match(site(Frame(str(sources / "app.py"), 14, "f")), [known]) is None


def test_a_link_to_the_same_file_is_the_same_file(sources):
    (sources / "link.py").symlink_to(sources / "lib.py")
    known = finding(sources / "link.py", 5)
    assert correlate.match(site(Frame(str(sources / "lib.py"), 5, "f")), [known]) is known


@pytest.mark.parametrize(
    ("verdict", "growth"), [("bounded", 1000.0), ("leak", 0.0), ("leak", -5.0)]
)
def test_what_does_not_grow_is_not_explained(sources, verdict, growth):
    still = site(Frame(str(sources / "app.py"), 3, "f"), verdict=verdict, growth=growth)
    joined = correlate.explain(report(still), lambda _: [finding(sources / "app.py", 3)])
    assert joined.sites[0].finding is None


def test_growth_without_a_leak_verdict_is_explained_but_not_confirmed(sources):
    growing = site(Frame(str(sources / "app.py"), 3, "f"), verdict="undecided")
    joined = correlate.explain(report(growing), lambda _: [finding(sources / "app.py", 3)])
    assert joined.sites[0].finding == "KLG101"
    assert joined.findings[0].detection_result == "potential_leak"


def test_a_fault_of_the_analyzer_leaves_the_report_whole(sources, caplog):
    growing = report(site(Frame(str(sources / "app.py"), 3, "f")))

    def broken(_files):
        raise RecursionError("deep")

    assert correlate.explain(growing, broken) is growing
    assert "the report is without it" in caplog.text


def test_only_files_that_exist_are_analysed(sources):
    asked = []
    frames = (
        Frame("<string>", 1, "f"),
        Frame("gone.py", 2, "g"),
        Frame(str(sources / "app.py"), 3, "h"),
    )
    correlate.explain(report(site(*frames)), lambda files: asked.extend(files) or [])
    assert asked == [str((sources / "app.py").resolve())]
