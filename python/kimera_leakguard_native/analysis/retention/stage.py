"""The retention stage: every family over one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention import (
    caches,
    callbacks,
    exceptions_kept,
    self_cycles,
)
from kimera_leakguard_native.analysis.retention.outline import Outline

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.frontend import Source
    from kimera_leakguard_native.analysis.retention.evidence import Retention

_FAMILIES = (caches, callbacks, exceptions_kept, self_cycles)


def retentions(source: Source, codes: frozenset[str]) -> list[Retention]:
    """Find what a file keeps without end, in the order of the source, one a statement and rule."""
    outline = Outline(source)
    found: dict[tuple[int, int, str], Retention] = {}
    for family in _FAMILIES:
        for item in family.find(outline):
            if item.code in codes:
                found.setdefault((item.node.lineno, item.node.col_offset, item.code), item)
    return [found[key] for key in sorted(found)]
