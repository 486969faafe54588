"""A baseline tells new findings from known ones, whatever lines do."""

import pytest

from kimera_leakguard_native.analysis.baseline import Baseline
from kimera_leakguard_native.errors import ConfigError
from kimera_leakguard_native.model.finding import Finding


@pytest.fixture
def project(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("def f(p):\n    x = open(p)\n    y = open(p)\n")
    return tmp_path


def finding(project, line, code="KLG101"):
    path = str(project / "src" / "a.py")
    return Finding(code, "r", "m", path, line, line, 1, "N", 0.9, "p", "file")


def known(project, *findings):
    baseline = Baseline(project / "klg-baseline.json")
    return Baseline(baseline.path, baseline.entries_of(findings).values())


def test_saved_and_loaded_it_is_the_same(project):
    baseline = known(project, finding(project, 2), finding(project, 3))
    baseline.save()
    loaded = Baseline.load(baseline.path)
    assert loaded.entries == baseline.entries
    assert {one.file for one in loaded.entries} == {"src/a.py"}
    assert [path.name for path in project.iterdir() if path.is_file()] == ["klg-baseline.json"]


def test_only_new_findings_are_new(project):
    baseline = known(project, finding(project, 2))
    comparison = baseline.compare([finding(project, 2), finding(project, 3)], [])
    assert comparison.new == [finding(project, 3)]


def test_shifted_lines_stay_known(project):
    baseline = known(project, finding(project, 2))
    source = project / "src" / "a.py"
    source.write_text("import os\n\n" + source.read_text())
    assert baseline.compare([finding(project, 4)], []).new == []


def test_what_is_gone_is_named_only_for_files_that_were_looked_at(project):
    baseline = known(project, finding(project, 2), finding(project, 3))
    path = str(project / "src" / "a.py")
    assert len(baseline.compare([finding(project, 2)], [path]).gone) == 1
    assert baseline.compare([finding(project, 2)], []).gone == []


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"version": 2, "findings": []}', '{"version": 1, "findings": [{}]}']
)
def test_a_file_that_is_no_baseline_is_refused(project, text):
    path = project / "klg-baseline.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="not a baseline"):
        Baseline.load(path)


def test_a_missing_one_says_how_to_make_it(project):
    with pytest.raises(ConfigError, match="klg baseline create"):
        Baseline.load(project / "none.json")
