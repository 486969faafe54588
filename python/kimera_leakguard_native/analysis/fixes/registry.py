"""Which kinds of fix serve which rule, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.fixes import (
    class_release,
    detached_tensor,
    early_close,
    exit_stack,
    instance_cache,
    task_set,
    temporary,
    try_finally,
    unused_descriptor,
    with_statement,
)

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.fixes.proposal import Proposal
    from kimera_leakguard_native.analysis.fixes.spot import Spot

Kind = Callable[["Spot"], Iterator["Proposal"]]

_UNRELEASED: tuple[Kind, ...] = (
    unused_descriptor.propose,
    with_statement.propose,
    temporary.propose,
    try_finally.propose,
    early_close.before_exits,
    early_close.on_error,
    exit_stack.propose,
)
_BY_PREFIX: tuple[tuple[str, tuple[Kind, ...]], ...] = (
    ("KLG1", (*_UNRELEASED, class_release.propose)),
    ("KLG201", (instance_cache.propose,)),
    ("KLG310", (detached_tensor.propose,)),
    ("KLG311", (detached_tensor.propose,)),
    ("KLG401", (task_set.propose,)),
)


def kinds(code: str) -> tuple[Kind, ...]:
    """Give the kinds of fix for a rule; none if only a person can fix what it finds."""
    for prefix, found in _BY_PREFIX:
        if code.startswith(prefix):
            return found
    return ()
