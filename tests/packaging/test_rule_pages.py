"""Every rule has a page in docs/rules, and each says what the rule says today."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from kimera_leakguard_native.analysis.rules.registry import rules

ROOT = Path(__file__).parents[2]
RULES = list(rules().values())
each_rule = pytest.mark.parametrize("rule", RULES, ids=[rule.code for rule in RULES])


def test_the_pages_are_current():
    script = Path(__file__).with_name("rule_pages.py")
    done = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), f"run python {script.relative_to(ROOT)}"


@each_rule
def test_a_rule_has_the_sections_of_a_page(rule):
    headings = re.findall(r"^## (.*)$", rule.page, re.MULTILINE)
    assert headings == ["What it does", "Why is this bad?", "Example"]
    assert "Use instead:" in rule.page
    assert rule.page.count("```python\n") == 2
    assert rule.summary.endswith(".")
    assert rule.help[0].islower() or not rule.help[0].isalpha()
    assert not rule.help.endswith(".")


@each_rule
def test_the_examples_of_a_rule_parse(rule):
    for code in re.findall(r"```python\n(.*?)```", rule.page, re.DOTALL):
        compile(code, rule.code, "exec")


@each_rule
def test_a_rule_has_a_corpus_page_and_lies_in_a_file_of_its_name(rule):
    assert (ROOT / "tests" / "corpus" / f"{rule.code}.md").is_file()
    folder = ROOT / "python" / "kimera_leakguard_native" / "analysis" / "rules"
    stem = f"{rule.code.lower()}_{rule.name.replace('-', '_')}"
    assert (folder / f"{stem}.py").is_file()
