from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

import pytest

from kimera_leakguard_native.guardian.decorator import watched_functions
from kimera_leakguard_native.guardian.guardian import KimeraMemoryLeakGuardian
from kimera_leakguard_native.model.guardian import FunctionSummary

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def guardian(monkeypatch: pytest.MonkeyPatch) -> Iterator[KimeraMemoryLeakGuardian]:
    monkeypatch.delenv("KLG_DISABLE", raising=False)
    made = KimeraMemoryLeakGuardian(monitoring_interval=3600)
    yield made
    made.stop_monitoring()


class FakeAnalyzer:
    """Stands in for the analyzer: a function whose source says so is unsafe or fails."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def function_summary(self, source: str, name: str) -> FunctionSummary:
        self.calls.append((source, name))
        if "refuse" in source:
            raise SyntaxError("refused")
        return FunctionSummary(name, [], [], [], ["x > 0"], 0, "unsafe" not in source)


@pytest.fixture
def analyzer(monkeypatch: pytest.MonkeyPatch) -> FakeAnalyzer:
    fake = FakeAnalyzer()
    for _, function in watched_functions():
        function.called = False  # by another test
    module: Any = types.ModuleType("kimera_leakguard_native.analysis.summary_view")
    module.function_summary = fake.function_summary
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return fake
