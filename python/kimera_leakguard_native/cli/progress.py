"""A bar for long work: on a terminal only, and only once the work has taken a moment."""

from __future__ import annotations

import os
import sys
import time
from typing import Any, final

import click

PATIENCE_S = 0.5


@final
class Progress:
    """Shows on stderr how far a piece of work is; use it in a ``with`` block.

    Parameters
    ----------
    label : str
        What is being done.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._began = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> Progress:
        """Begin; nothing is shown yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bar."""
        self._clear()

    def __call__(self, done: int, total: int) -> None:
        """Say how much is done."""
        if self._bar is None:
            if time.monotonic() - self._began < PATIENCE_S or not _on_terminal():
                return
            self._bar = click.progressbar(length=total, label=self._label, file=sys.stderr)
        self._bar.length = total
        self._bar.update(done - self._bar.pos)
        self._bar.render_progress()

    def echo(self, text: str) -> None:
        """Print a line of results, and the bar below it again."""
        self._clear()
        click.echo(text)
        if self._bar is not None:
            self._bar.render_progress()

    def _clear(self) -> None:
        if self._bar is not None:
            click.echo("\r\x1b[K", nl=False, err=True)
            self._bar._last_line = None  # noqa: SLF001 - or the same line is not drawn again


def _on_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
