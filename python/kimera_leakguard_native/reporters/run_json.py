"""The report of `klg run` as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kimera_leakguard_native.model.site import RunReport


def render(report: RunReport) -> str:
    """Give the JSON text, with a newline at its end."""
    return json.dumps(report.to_dict(), indent=2) + "\n"
