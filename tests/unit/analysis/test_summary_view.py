import ast

import pytest

from kimera_leakguard_native.analysis.summary_view import function_summary
from kimera_leakguard_native.analysis.symbolic.paths import KimeraSymbolicExecutor
from kimera_leakguard_native.errors import AnalysisError

METHOD = """
    def process(self, n):
        data = [0] * n
        if n > 0:
            rows = torch.zeros(10, 20)
            self.items.append(rows)
        else:
            other = np.zeros(5)
            del other
        return data
"""


def test_indented_method_with_objects():
    summary = function_summary(METHOD, "process")
    assert [(one.line_number, one.size_bytes) for one in summary.allocations] == [
        (3, None),
        (5, 800),
        (8, 40),
    ]
    statuses = [one.escape_status for one in summary.allocations]
    assert statuses == ["escaped", "escaped", "not_escaped"]
    assert [one.escapes_via_return for one in summary.pointer_escapes] == [True, False]
    assert summary.deallocations == ["dealloc_9"]
    assert summary.path_conditions == ["n > 0", "not (n > 0)"]
    assert summary.memory_balance == 2
    assert summary.is_memory_safe


@pytest.mark.parametrize(("operator", "safe"), [("<", True), (">", False)])
def test_only_a_feasible_leak_is_unsafe(operator, safe):
    source = f"""
def read(path, n):
    if n < 1:
        file = open(path)
    if not n {operator} 1:
        return
    file.close()
"""
    assert function_summary(source, "read").is_memory_safe is safe


def test_infeasible_branches_have_no_condition():
    source = "def f(n):\n    if n > 0 and n < 0:\n        return [n]\n"
    assert function_summary(source, "f").path_conditions == ["n > 0", "not (n > 0)", "not (n < 0)"]


@pytest.mark.parametrize("source", ["def f(:", "def g(): pass", "\0"])
def test_what_cannot_be_summarised_is_an_error(source):
    with pytest.raises(AnalysisError):
        function_summary(source, "f")


def test_executor_gives_feasible_paths_that_allocate():
    tree = ast.parse(
        "def f(n):\n    if n > 1:\n        x = [0] * n\n    if n < 1:\n        return x\n"
    )
    (path,) = KimeraSymbolicExecutor().explore_memory_paths(tree, [3])
    assert path.conditions == ("n > 1", "not (n < 1)")
    assert path.values["n"] > 1
