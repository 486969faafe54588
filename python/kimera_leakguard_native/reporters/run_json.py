"""The report of `klg run` as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kimera_leakguard_native.model.site import RunReport


def render(report: RunReport) -> str:
    """Give the JSON text, with a newline at its end; the profile, which nobody reads, in a line."""
    import msgspec

    fields = replace(report, profile=None).to_dict()
    del fields["profile"]
    profile = msgspec.json.encode(report.profile).decode()
    return f'{json.dumps(fields, indent=2)[:-2]},\n  "profile": {profile}\n}}\n'
