"""Function summaries: asked for by name, or of decorated functions that have been called."""

from __future__ import annotations

import importlib
import threading
import time
from typing import TYPE_CHECKING

from kimera_leakguard_native.guardian.decorator import watched_functions
from kimera_leakguard_native.model.guardian import FunctionSummary

if TYPE_CHECKING:
    import logging
    from types import CodeType

    from kimera_leakguard_native.guardian.decorator import WatchedFunction

_MOST = 10_000


class SummaryBook:
    """Asks the analyzer and keeps its summaries.

    Attributes
    ----------
    by_name : dict of str to FunctionSummary
        The last summary of each name; the oldest names make room beyond 10,000.
    analyzed, unsafe : int
        Analyses that succeeded, and those that found a leak.
    seconds : float
        Spent in analyses that succeeded.
    symbolic_seconds, refuted : float, int
        Of these, what went into asking which paths can be taken; and leaks that cannot be.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self.by_name: dict[str, FunctionSummary] = {}
        self.analyzed = 0
        self.unsafe = 0
        self.seconds = self.symbolic_seconds = 0.0
        self.refuted = 0
        self._logger = logger
        self._done: dict[tuple[str, CodeType], str] = {}
        self._lock = threading.Lock()

    def analyze(self, code: str, name: str) -> FunctionSummary:
        """Summarise source text; a failure is an unsafe summary that is not kept."""
        with self._lock:
            return self._analyze(code, name, name)

    def analyze_called(self) -> None:
        """Analyse the decorated functions that have been called, each code object once."""
        with self._lock:
            for code, function in watched_functions():
                if function.called and code not in self._done:
                    self._done[code] = key = self._free_name(function)
                    self._analyze_watched(function, key)

    def of(self, code: tuple[str, CodeType]) -> FunctionSummary | None:
        """Give the summary of a decorated function that has been called, analysing it if need be.

        None where it could not be analysed, or has made room for others.
        """
        self.analyze_called()
        return self.by_name.get(self._done.get(code, ""))

    def _analyze_watched(self, function: WatchedFunction, key: str) -> None:
        try:
            source = function.source()
        except (OSError, TypeError) as error:
            self._logger.debug("%s was not analysed: %s", key, error)
            return
        summary = self._analyze(source, function.name, key)
        if key in self.by_name and not summary.is_memory_safe:
            self._logger.warning(
                "%s.%s can leak: %s",
                function.module,
                function.qualname,
                ", ".join(a.allocation_id for a in summary.allocations) or "see its summary",
            )

    def _analyze(self, code: str, name: str, key: str) -> FunctionSummary:
        start = time.perf_counter()
        try:
            view = importlib.import_module("kimera_leakguard_native.analysis.summary_view")
            summary: FunctionSummary = view.function_summary(code, name)
        except Exception as error:
            self._logger.debug("analysis of %s failed", name, exc_info=True)
            return FunctionSummary(
                name, [], [], [], [f"analysis_error: {error}"], 0, is_memory_safe=False
            )
        self.seconds += time.perf_counter() - start
        self.analyzed += 1
        self.symbolic_seconds += summary.symbolic_seconds
        self.refuted += summary.refuted_leaks
        self.unsafe += not summary.is_memory_safe
        self.by_name.pop(key, None)
        while len(self.by_name) >= _MOST:
            del self.by_name[next(iter(self.by_name))]
        self.by_name[key] = summary
        return summary

    # Short where that is unique: clients look functions up by their plain names.
    def _free_name(self, function: WatchedFunction) -> str:
        taken = set(self._done.values())
        for name in (function.name, function.qualname):
            if name not in taken:
                return name
        return f"{function.module}.{function.qualname}"
