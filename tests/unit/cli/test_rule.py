"""`klg rule` explains what `klg check` reports."""

import json
import subprocess
import sys

import pytest

from kimera_leakguard_native.analysis.rules.registry import rules


def rule(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "kimera_leakguard_native", "rule", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["KLG101", "klg101", "unreleased-file"])
def test_a_rule_is_explained_by_code_or_name(name):
    done = rule(name)
    assert done.returncode == 0
    assert done.stdout.startswith("# KLG101: unreleased-file\n")
    assert rules()["KLG101"].page.strip() in done.stdout
    assert rules()["KLG101"].help in done.stdout


def test_without_a_code_the_rules_are_listed():
    lines = rule().stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(rules())


def test_all_of_them_are_explained():
    pages = rule("--all").stdout
    assert all(f"# {code}: " in pages for code in rules())


def test_as_json_it_is_complete():
    (one,) = json.loads(rule("KLG102", "--output-format", "json").stdout)
    assert one["code"] == "KLG102"
    assert set(one) == {"code", "name", "summary", "help", "page"}
    every = json.loads(rule("--all", "--output-format", "json").stdout)
    assert [item["code"] for item in every] == list(rules())


@pytest.mark.parametrize(
    ("name", "hint"),
    [("unreleased-fil", "did you mean unreleased-file?"), ("nonsense", "klg rule lists them")],
)
def test_an_unknown_rule_is_a_usage_error_with_a_hint(name, hint):
    done = rule(name)
    assert done.returncode == 2
    assert hint in done.stderr
