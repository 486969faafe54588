"""A map over an executor: results in order, few calls in flight, nothing left behind on errors."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Result = TypeVar("Result")

IN_FLIGHT = 64
"""Calls that are submitted before the first result is asked for."""


def ordered_map(
    executor: Any,
    function: Callable[..., Result],
    calls: Iterable[tuple[Any, ...]],
    in_flight: int = IN_FLIGHT,
) -> Iterator[Result]:
    """Give ``function(*arguments)`` for each of some arguments, in their order.

    Parameters
    ----------
    executor : executor
        Anything whose ``submit(function, *arguments)`` gives futures with ``result`` and
        ``cancel``: of `concurrent.futures`, or Dask's ``Client.get_executor()``.
    function : callable
        For executors of other processes it and its arguments must be picklable.
    in_flight : int
        The most calls submitted and not yet given.

    Raises
    ------
    Exception
        What a call or the executor raises; calls not yet started are cancelled.
    """
    waiting: deque[Any] = deque()
    try:
        for arguments in calls:
            waiting.append(executor.submit(function, *arguments))
            if len(waiting) >= in_flight:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
