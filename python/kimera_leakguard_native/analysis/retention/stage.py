"""The retention stage: every family over one file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from kimera_leakguard_native.analysis.retention import (
    caches,
    callbacks,
    containers,
    default_reads,
    defaults,
    dropped_tasks,
    exceptions_kept,
    gradients,
    hooks,
    memo_tables,
    own_holders,
    pending_tasks,
    raised_exceptions,
    registrations,
    self_cycles,
    tensor_stores,
    views,
    weak_maps,
    wrong_keys,
)
from kimera_leakguard_native.analysis.retention.outline import Outline

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.frontend import Source
    from kimera_leakguard_native.analysis.retention.elsewhere import Elsewhere
    from kimera_leakguard_native.analysis.retention.evidence import Retention

_FAMILIES = (
    caches,
    memo_tables,
    containers,
    wrong_keys,
    default_reads,
    defaults,
    weak_maps,
    views,
    gradients,
    tensor_stores,
    hooks,
    registrations,
    callbacks,
    exceptions_kept,
    raised_exceptions,
    self_cycles,
    own_holders,
    dropped_tasks,
    pending_tasks,
)

_TESTS = re.compile(
    r"(?:^|[/\\])(?:tests?[/\\](?:[^/\\]+[/\\])?[^/\\]+|test_[^/\\]*|[^/\\]*_test|conftest)\.py$"
)
"""What a test keeps dies with the test: there only proven growth is worth a line."""


class Wanted(Protocol):
    """The part of the options that decides what is reported."""

    def reports(self, tier: str, *, evident: bool) -> bool:
        """Whether findings of a tier are wanted."""


def retentions(
    source: Source, codes: frozenset[str], wanted: Wanted, elsewhere: Elsewhere
) -> list[Retention]:
    """Find what a file keeps without end, in the order of the source, one a statement and rule.

    Parameters
    ----------
    elsewhere : Elsewhere
        The other files of the run; asked only where this file shows nothing that frees the memory.
    """
    if not wanted.reports("M", evident=True) and not wanted.reports("D", evident=True):
        return []
    outline = Outline(source)
    in_tests = _TESTS.search(source.path) is not None
    found: dict[tuple[int, int, str], Retention] = {}
    for family in _FAMILIES:
        for item in family.find(outline):
            if (
                item.code in codes
                and wanted.reports(item.tier, evident=item.evident)
                and (item.evident or not in_tests)
                and not any(
                    elsewhere.shrinks(name, owner, source.path)
                    for owner, name in item.unless_shrunk
                )
            ):
                found.setdefault((item.node.lineno, item.node.col_offset, item.code), item)
    read = {line for line, _, code in found if code == default_reads.CODE}
    return [
        found[key]
        for key in sorted(found)
        if key[0] not in read or key[2] not in (containers.GLOBAL, containers.ATTRIBUTE)
    ]
