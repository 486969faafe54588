"""
Bounded caches.
"""
from __future__ import annotations
import typing
__all__: list[str] = ['LRUCache']
class LRUCache:
    """
    Keeps the most recently used entries within its bounds.
    """
    @staticmethod
    def __new__(type, *args, **kwargs):
        """
        Create and return a new object.  See help(type) for accurate signature.
        """
    def __contains__(self, key):
        """
        Return key in self.
        """
    def __delitem__(self, key):
        """
        Delete self[key].
        """
    def __getitem__(self, key):
        """
        Return self[key].
        """
    def __len__(self):
        """
        Return len(self).
        """
    def __setitem__(self, key, value):
        """
        Set self[key] to value.
        """
    def clear(self) -> None:
        """
        Remove every entry; the callback is not told.
        """
    def expire(self) -> int:
        """
        Remove every entry that has outlived its time; say how many.
        """
    def get(self, key: typing.Any, default: typing.Any = None) -> typing.Any:
        """
        Give the value of a key and mark it used.
        """
    def keys(self) -> list[typing.Any]:
        """
        List the keys, least recently used first.
        """
    def peek(self, key: typing.Any, default: typing.Any = None) -> typing.Any:
        """
        Give the value of a key; neither use nor counted.
        """
    def pop(self, key: typing.Any, default: typing.Any = None) -> typing.Any:
        """
        Remove a key and give its value.
        """
    def put(self, key: typing.Any, value: typing.Any, *, weight: int | None = None, ttl: float | None = None) -> None:
        """
        Store a value as the most recently used; the least recently used go where a bound is met.
        """
    def stats(self) -> dict[str, typing.Any]:
        """
        Count entries, hits and evictions.
        """
