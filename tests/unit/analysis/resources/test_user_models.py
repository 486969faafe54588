from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - pytest reads it

import pytest

from kimera_leakguard_native import config
from kimera_leakguard_native.analysis import engine
from kimera_leakguard_native.analysis.options import Options
from kimera_leakguard_native.analysis.resources.catalog import catalog
from kimera_leakguard_native.errors import AnalysisError

_PYPROJECT = """
[tool.kimera-leakguard]
jobs = 1

[tool.kimera-leakguard.resources.field-handle]
rule = "KLG109"
noun = "field handle"
acquired_by = ["fields.open_field"]
release = ["give_back"]

[[tool.kimera-leakguard.acquire]]
callables = ["fields.open_quietly"]
kind = "file"
"""
_SOURCE = """
import fields

def lost():
    return fields.open_field(1).mean

def kept():
    handle = fields.open_field(1)
    handle.give_back()

def quiet(path):
    fields.open_quietly(path).write("x")
"""


def test_models_of_pyproject_are_followed(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(_PYPROJECT, encoding="utf-8")
    (tmp_path / "app.py").write_text(_SOURCE.replace(".mean", ".size"), encoding="utf-8")
    models = config.load(tmp_path).settings.resource_models
    found = engine.check([str(tmp_path / "app.py")], Options(models=models)).findings
    assert [(item.line, item.code, item.resource) for item in found] == [
        (5, "KLG109", "field-handle"),
        (12, "KLG101", "file"),
    ]
    assert engine.check([str(tmp_path / "app.py")], Options()).findings == []


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (
            {"resources": {"handle": {"rule": "KLG109", "noun": "x", "relase": ["y"]}}},
            "unknown field `relase`.*did you mean 'release'",
        ),
        (
            {"resources": {"handle": {"rule": "KLG1009", "noun": "x"}}},
            "unknown rule 'KLG1009'; did you mean 'KLG1",
        ),
        ({"acquire": [{"callables": ["a.b"], "kind": "fiel"}]}, "did you mean 'file'"),
        ({"acquire": [{"callabels": ["a.b"], "kind": "file"}]}, "did you mean 'callables'"),
        ({"resources": {"file": {"rule": "KLG101", "noun": "x"}}}, "already"),
        (
            {"methods": [{"of": ["sockt"], "methods": ["m"], "kind": "file"}]},
            "did you mean 'socket'",
        ),
        ({"resources": {"handle": {"rule": "KLG109", "noun": 3}}}, "Expected `str`"),
    ],
)
def test_mistakes_are_named_with_a_suggestion(tables: dict[str, object], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        catalog(json.dumps(tables))
