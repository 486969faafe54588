"""What the parts of this process can say of themselves, by name, to whoever answers questions.

A part says so when it is imported, without knowing who asks; who answers knows no part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SECTIONS: dict[str, Callable[[], Any]] = {}
"""Functions that give plain data: what `json` can write, and none of the user's objects."""
