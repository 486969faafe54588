import json

from kimera_leakguard_native.model.frame import Frame
from kimera_leakguard_native.model.site import RunReport, SiteVerdict
from kimera_leakguard_native.reporters import run_json


def test_the_report_has_the_fields_of_the_contract():
    site = SiteVerdict("a.py", 3, "f", 10, 1.5, "leak", 0.9, (Frame("a.py", 3, "f"),), "why")
    report = RunReport(
        1.0,
        2,
        3.0,
        4.0,
        {"estimated_fraction": 0.0},
        {"rss_start": 1, "rss_end": 2},
        [site],
        "leak",
    )
    text = run_json.render(report)
    data = json.loads(text)
    assert text.endswith("}\n")
    assert {
        "version",
        "duration_s",
        "samples",
        "sample_bytes_effective",
        "allocated_bytes_estimate",
        "overhead",
        "process",
        "sites",
        "process_verdict",
    } <= set(data)
    assert data["version"] == 1
    assert {
        "file",
        "line",
        "function",
        "live_bytes",
        "growth_bytes_per_s",
        "verdict",
        "confidence",
        "stack",
        "finding",
    } <= set(data["sites"][0])
    assert data["sites"][0]["finding"] is None
    assert data["sites"][0]["stack"] == [{"file": "a.py", "line": 3, "function": "f"}]
