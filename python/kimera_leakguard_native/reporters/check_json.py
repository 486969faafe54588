"""`klg check --output-format json`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kimera_leakguard_native.model.finding import CheckResult

_STATISTICS = (
    "files",
    "lines",
    "functions",
    "symbolic_queries",
    "infeasible_paths",
    "budget_exhausted",
    "seconds",
)


def render(result: CheckResult) -> str:
    """Give the report as one JSON document, indented, with a newline at its end."""
    statistics = {key: getattr(result.statistics, key) for key in _STATISTICS}
    document = {
        "version": 1,
        "findings": [finding.to_dict() for finding in result.findings],
        "errors": [asdict(error) for error in result.errors],
        "statistics": statistics,
    }
    return json.dumps(document, indent=2) + "\n"
