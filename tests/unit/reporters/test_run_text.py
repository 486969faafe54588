from kimera_leakguard_native.model.finding import Finding, Step
from kimera_leakguard_native.model.frame import Frame
from kimera_leakguard_native.model.site import RunReport, SiteVerdict
from kimera_leakguard_native.reporters import run_text

STACK = tuple(Frame("/app/cache.py", k, f"f{k}") for k in range(7, 17))


def report(*sites, verdict="leak", findings=()):
    return RunReport(
        60.0,
        1200,
        4096.0,
        5e6,
        {"estimated_fraction": 0.004},
        {"rss_start": 2**24, "rss_end": 2**25},
        list(sites),
        verdict,
        list(findings),
    )


LEAK = SiteVerdict(
    "/app/cache.py", 7, "f7", 3 * 2**20, 51200.0, "leak", 0.95, STACK, "40 objects survive"
)


def test_a_leak_is_shown_with_stack_evidence_and_next_step():
    text = run_text.render(report(LEAK))
    assert text.startswith("klg: the program leaks (leak)\n")
    assert "60.0 s, 4.8 MiB allocated, 1200 samples, one every 4.0 KiB" in text
    assert "50.0 KiB/s    3.0 MiB  /app/cache.py:7 in f7" in text
    assert "40 objects survive" in text
    assert "/app/cache.py:12 in f12" in text
    assert "... 4 more calls" in text
    assert "next: klg check /app/cache.py" in text


def test_a_finding_that_explains_the_site_stands_under_it():
    finding = Finding(
        "KLG101",
        "unreleased-file",
        "file is not closed",
        "/app/cache.py",
        7,
        7,
        1,
        "N",
        0.9,
        "confirmed_leak",
        "file",
        (Step("/app/cache.py", 7, "opened here"),),
    )
    import dataclasses

    explained = dataclasses.replace(LEAK, finding="KLG101")
    text = run_text.render(report(explained, findings=[finding]))
    assert "KLG101 file is not closed" in text
    assert "/app/cache.py:7: opened here" in text


def test_native_growth_has_no_line():
    site = SiteVerdict(None, 0, "", 0, 2.0**20, "native", 0.6, (), "resident memory grew")
    text = run_text.render(report(site, verdict="native"))
    assert "(no Python line)" in text
    assert "1.0 MiB/s" in text


def test_bounded_sites_are_left_out():
    import dataclasses

    bounded = dataclasses.replace(LEAK, verdict="bounded")
    assert "cache.py" not in run_text.render(report(bounded, verdict="clean"))


def test_an_unobserved_program_is_said_to_be():
    assert "nothing was observed" in run_text.render(report(), observed=False)
