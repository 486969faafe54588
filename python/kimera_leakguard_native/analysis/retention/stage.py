"""The retention stage: every family over one file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from kimera_leakguard_native.analysis.retention import (
    attribute_cycles,
    caches,
    callback_lists,
    callbacks,
    containers,
    default_reads,
    defaults,
    detached_siblings,
    dropped_tasks,
    empty_groups,
    exceptions_kept,
    forgotten_tasks,
    future_results,
    gradients,
    hooks,
    left_on_error,
    loop_variables,
    memo_tables,
    own_holders,
    pending_tasks,
    process_tables,
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
    empty_groups,
    left_on_error,
    wrong_keys,
    default_reads,
    defaults,
    weak_maps,
    views,
    gradients,
    tensor_stores,
    detached_siblings,
    hooks,
    registrations,
    callback_lists,
    process_tables,
    callbacks,
    exceptions_kept,
    raised_exceptions,
    future_results,
    loop_variables,
    self_cycles,
    attribute_cycles,
    own_holders,
    dropped_tasks,
    pending_tasks,
    forgotten_tasks,
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
                and (item.if_kept is None or elsewhere.keeps(*item.if_kept))
            ):
                found.setdefault((item.node.lineno, item.node.col_offset, item.code), item)
    read = {line for line, _, code in found if code == default_reads.CODE}
    return [
        found[key]
        for key in sorted(found)
        if key[0] not in read or key[2] not in (containers.GLOBAL, containers.ATTRIBUTE)
    ]
