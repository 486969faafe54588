"""Components that say that they exist, so that whoever watches components finds them.

Engines announce themselves without knowing who listens; an integrator listens without knowing
who will come. Nobody is kept alive by having been announced.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_lock = threading.Lock()
_announced: dict[int, tuple[str, weakref.ref[Any]]] = {}
_listeners: list[weakref.WeakMethod[Callable[[str, Any], object]]] = []


def announce(kind: str, component: Any) -> None:
    """Say that a component of a kind, such as ``gpu_memory_pool``, exists.

    An object that cannot be weakly referenced is passed over: register it by hand.
    """
    key = id(component)
    try:
        reference = weakref.ref(component, lambda _: _announced.pop(key, None))
    except TypeError:
        return
    with _lock:
        _announced[key] = (kind, reference)
        listeners = [listener for each in _listeners if (listener := each()) is not None]
    for listener in listeners:
        listener(kind, component)


def announced() -> list[tuple[str, Any]]:
    """Give the components that are alive with their kinds, in the order of their announcement."""
    with _lock:
        known = list(_announced.values())
    return [(kind, component) for kind, each in known if (component := each()) is not None]


def listen(listener: Callable[[str, Any], object]) -> None:
    """Call a bound method ``(kind, component)`` for whatever is announced from now on.

    The object of the method is held weakly; one that listens already goes on as it was.
    """
    with _lock:
        _listeners[:] = [each for each in _listeners if each() not in (None, listener)]
        _listeners.append(weakref.WeakMethod(listener))


def unlisten(listener: Callable[[str, Any], object]) -> None:
    """Call a method no longer."""
    with _lock:
        _listeners[:] = [each for each in _listeners if each() not in (None, listener)]
