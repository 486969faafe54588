"""Source text for the page, from inside the configured roots and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_AROUND = 8
_LARGEST = 4 << 20


class SourceRoots:
    """Folders whose Python files may be shown.

    Parameters
    ----------
    roots : iterable of path
        Links are followed before anything is compared.
    """

    def __init__(self, roots: Iterable[str | Path]) -> None:
        self._roots = [Path(root).resolve() for root in roots]

    def allowed(self, file: str) -> Path | None:
        """Give the real path of a file inside the roots; None for any other."""
        try:
            path = Path(file).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            return None
        inside = any(path.is_relative_to(root) for root in self._roots)
        return path if inside and path.suffix == ".py" and path.is_file() else None

    def around(self, file: str, line: int) -> list[dict[str, Any]] | None:
        """Give the lines around one; None where the file may not be shown."""
        path = self.allowed(file)
        if path is None or path.stat().st_size > _LARGEST:
            return None
        text = path.read_text("utf-8", "replace").splitlines()
        first = max(1, line - _AROUND)
        return [
            {"number": number, "text": text[number - 1]}
            for number in range(first, min(len(text), line + _AROUND) + 1)
        ]
