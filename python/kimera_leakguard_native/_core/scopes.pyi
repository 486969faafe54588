"""
Blocks that are tracked while they run.
"""
from __future__ import annotations
import collections.abc
import kimera_leakguard_native.model.guardian
import typing
__all__: list[str] = ['ScopeTracker', 'set_allocation_class']
class ScopeTracker:
    """
    The tracked blocks that are open now.
    """
    def __init__(self) -> None:
        ...
    def find_open(self, allocation_id: typing.Any) -> typing.Any:
        """
        The allocation of the newest open scope of an id, or None.
        """
    def is_open(self, allocation_id: typing.Any) -> bool:
        """
        Whether an id has an open scope.
        """
    def open_allocations(self, distinct: bool = False) -> list[typing.Any]:
        """
        The allocation of every open scope, oldest first; with `distinct`, the newest of each id.
        """
    def open_ids(self) -> list[str]:
        """
        Different ids of the open scopes, oldest first.
        """
    def track_allocation(self, allocation_id: str, allocation_info: typing.Mapping[str, typing.Any] | None = None) -> typing.ContextManager[kimera_leakguard_native.model.guardian.MemoryAllocation]:
        """
        A scope whose entry is visible in every thread from `with` to the end of the block.
        
        `allocation_info` is read when somebody first looks at the entry.
        """
    @property
    def entered_scope_total(self) -> int:
        """
        Scopes ever entered.
        """
    @property
    def open_id_count(self) -> int:
        """
        Different ids among the open scopes.
        """
    @property
    def open_scope_count(self) -> int:
        """
        Open scopes, equal ids counted each.
        """
    @property
    def tracking_enabled(self) -> bool:
        """
        Whether scopes are entered into the table at all.
        """
    @tracking_enabled.setter
    def tracking_enabled(self, arg0: bool) -> None:
        ...
def set_allocation_class(cls: type, build: collections.abc.Callable[[str, typing.Any, float], typing.Any]) -> None:
    """
    Say what a scope stands for, and how (id, info, timestamp) becomes one.
    """
