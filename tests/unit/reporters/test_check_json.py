"""The JSON report has exactly the shape that outside programs rely on."""

import json

from kimera_leakguard_native.analysis import engine
from kimera_leakguard_native.model.finding import (
    CheckResult,
    CheckStatistics,
    Edit,
    FileError,
    Finding,
    Fix,
    Step,
)
from kimera_leakguard_native.reporters import check_json

FINDING = Finding(
    code="KLG101",
    rule="unreleased-file",
    message="file from open(…) is never closed",
    file="a\udcff.py",
    line=2,
    end_line=3,
    column=12,
    tier="N",
    confidence=0.95,
    detection_result="confirmed_leak",
    resource="file",
    path=(Step("a.py", 2, "open(…) acquires a file"),),
    fixes=(Fix("use with", True, (Edit("a.py", (2, 5), (2, 12), "with "),)),),
)


def test_every_key_and_no_other():
    result = CheckResult(
        [FINDING],
        [FileError("b.py", "line 1: does not parse")],
        CheckStatistics(1, 3, 2, 4, 5, 6, 0.25),
    )
    text = check_json.render(result)
    assert text.endswith("}\n")
    assert text.isascii()
    assert json.loads(text) == {
        "version": 1,
        "findings": [
            {
                "code": "KLG101",
                "rule": "unreleased-file",
                "message": "file from open(…) is never closed",
                "file": "a\udcff.py",
                "line": 2,
                "end_line": 3,
                "column": 12,
                "tier": "N",
                "confidence": 0.95,
                "detection_result": "confirmed_leak",
                "resource": "file",
                "path": [{"file": "a.py", "line": 2, "note": "open(…) acquires a file"}],
                "fixes": [
                    {
                        "title": "use with",
                        "verified": True,
                        "edits": [
                            {"file": "a.py", "start": [2, 5], "end": [2, 12], "text": "with "}
                        ],
                    }
                ],
            }
        ],
        "errors": [{"file": "b.py", "message": "line 1: does not parse"}],
        "statistics": {
            "files": 1,
            "lines": 3,
            "functions": 2,
            "symbolic_queries": 4,
            "infeasible_paths": 5,
            "budget_exhausted": 6,
            "seconds": 0.25,
        },
    }


def test_a_run_without_input_has_the_same_keys():
    document = json.loads(check_json.render(CheckResult()))
    assert document["findings"] == document["errors"] == []
    assert list(document) == ["version", "findings", "errors", "statistics"]


def test_the_report_of_a_real_run_keeps_to_the_contract(tmp_path):
    (tmp_path / "b.py").write_text("def f(p):\n\treturn 'ä', open(p).read()\n", encoding="utf-8")
    (tmp_path / "a.py").write_text("x = open('p').read()\nx = open('p').read()\n", encoding="utf-8")
    document = json.loads(check_json.render(engine.check([str(tmp_path)])))
    found = document["findings"]
    where = [(one["file"].rpartition("/")[2], one["line"], one["column"]) for one in found]
    assert where == [("a.py", 1, 5), ("a.py", 2, 5), ("b.py", 2, 14)]
    for one in found:
        assert one["file"].startswith(str(tmp_path))
        assert 0 <= one["confidence"] <= 1
        assert one["tier"] in "NEXDM"
        assert one["path"][0]["line"] == one["line"]
        assert {type(step["line"]) for step in one["path"]} == {int}
