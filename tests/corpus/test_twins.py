"""With the solver exactly the twin with a feasible leak is reported, and its values really leak.

The values of the witness are passed to the function itself, run with a stand-in for `open`.
"""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from kimera_leakguard_native.analysis import engine, frontend
from kimera_leakguard_native.analysis.candidates import classify
from kimera_leakguard_native.analysis.dataflow import Tracker
from kimera_leakguard_native.analysis.feasibility import Feasibility
from kimera_leakguard_native.analysis.project import Project
from kimera_leakguard_native.analysis.sites import find_sites
from kimera_leakguard_native.analysis.symbolic.solver import Answer

_PAGE = Path(__file__).with_name("twins.md").read_text(encoding="utf-8")
_SOURCE = re.findall(r"^```python\n(.*?)^```$", _PAGE, re.MULTILINE | re.DOTALL)[0]
_NAMES = [node.name for node in ast.parse(_SOURCE).body if isinstance(node, ast.FunctionDef)]

_ODD = {"leaks_truth_and_none"}
"""Advice, because the value that makes it leak is false and not None."""


def _functions(path: Path, *, symbolic: bool) -> set[str]:
    path.write_text(_SOURCE, encoding="utf-8")
    result = engine.check([str(path)], engine.Options(symbolic=symbolic))
    assert result.errors == []
    assert (result.statistics.infeasible_paths > 0) == symbolic
    spans = {
        node.name: range(node.lineno, (node.end_lineno or 0) + 1)
        for node in ast.parse(_SOURCE).body
        if isinstance(node, ast.FunctionDef)
    }
    return {name for item in result.findings for name, span in spans.items() if item.line in span}


def test_only_feasible_leaks_are_reported(tmp_path: Path) -> None:
    found = _functions(tmp_path / "twins.py", symbolic=True)
    assert found == {name for name in _NAMES if name.startswith("leaks_")} - _ODD


def test_without_the_solver_both_twins_are_reported(tmp_path: Path) -> None:
    assert _functions(tmp_path / "twins.py", symbolic=False) == set(_NAMES)


class _File:
    def __init__(self) -> None:
        self.open = True

    def close(self) -> None:
        self.open = False


@pytest.mark.parametrize("name", [name for name in _NAMES if name.startswith("leaks_")])
def test_values_of_the_witness_leak_when_they_are_run(name: str) -> None:
    values = _witness(name)
    opened: list[_File] = []

    def fake_open(path: object) -> _File:
        opened.append(_File())
        return opened[-1]

    namespace: dict[str, Any] = {"open": fake_open}
    exec(compile(_SOURCE, "twins", "exec"), namespace)
    function = namespace[name]
    arguments = [values.get(one) for one in inspect.signature(function).parameters]
    function(*arguments)
    assert [file.open for file in opened] == [True]


def _witness(name: str) -> dict[str, Any]:
    project = Project(["twins.py"])
    source = frontend.parse("twins.py", _SOURCE.encode())
    module = project.add(source.path, source.tree)
    function = project.function(module, module.functions[name])
    graph = function.graph()
    (site,) = find_sites(graph, project.catalog, function.effects)
    flow = Tracker(graph, site, function.frame(), function.effects).run()
    candidate = classify(site, flow, graph, ends_program=False)[0]
    outcome = Feasibility(function, candidate, ends_program=False).decide(candidate)
    assert outcome.answer is Answer.FEASIBLE
    return outcome.values
