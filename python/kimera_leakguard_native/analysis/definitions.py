"""Which files define a function of a name: the index behind calls on objects of unknown class."""

from __future__ import annotations

import asyncio
import collections
import io
import logging
import re
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kimera_leakguard_native.analysis.outline import Outline

_MOST_FILES = 6
"""A name that more files define says nothing about one call."""

_COMMON = frozenset(
    {
        "abort", "acquire", "apply", "begin", "cancel", "check", "commit", "communicate", "connect",
        "create", "cursor", "delete", "disconnect", "done", "exception", "execute", "executemany",
        "exists", "exit", "fetch", "fetchall", "fetchone", "filter", "flush", "forward", "handle",
        "init", "json", "kill", "load", "loads", "dump", "dumps", "login", "mkdir", "notify",
        "open", "parse", "poll", "process", "quit", "release", "remove", "render", "request",
        "reset", "result", "rollback", "run", "save", "select", "set", "setup", "shutdown",
        "start", "stop", "submit", "terminate", "throw", "unlink", "validate", "wait",
        "warn", "write_text",
    }
)  # fmt: skip
_BUILTIN = (
    str, bytes, bytearray, list, dict, set, tuple, int, float, complex, object, type, memoryview,
    BaseException, property, range, slice, io.TextIOWrapper, io.BytesIO, io.StringIO,
    io.FileIO, socket.socket, threading.Thread, threading.Event, threading.Condition,
    logging.Logger, logging.Handler, collections.deque, collections.OrderedDict,
    collections.Counter, re.Pattern, re.Match, asyncio.Future, asyncio.Queue, asyncio.Task,
)  # fmt: skip
_TAKEN = frozenset(name for kind in _BUILTIN for name in dir(kind)) | _COMMON


@dataclass(slots=True)
class Definitions:
    """Functions of all files by name.

    Attributes
    ----------
    files : dict of str to tuple of str
        Where a name is defined, for names in few files.
    leaving : frozenset of str
        Names whose every definition might never return.
    may_leave : frozenset of str
        Names of which some definition might never return.
    raising : frozenset of str
        Names of which some definition has a raise.
    classes : frozenset of str
        Names of classes, and what imports call them.
    """

    files: dict[str, tuple[str, ...]] = field(default_factory=dict)
    leaving: frozenset[str] = frozenset()
    may_leave: frozenset[str] = frozenset()
    raising: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()


def speaking(name: str) -> bool:
    """Whether a method name says whose it is: no method of builtin types, no everyday word."""
    return len(name) > 3 and name not in _TAKEN and not name.startswith("__")


def definitions_in(outlines: Iterable[tuple[str, Outline]]) -> Definitions:
    """Index the functions of files by name."""
    files: dict[str, list[str]] = {}
    back: set[str] = set()
    pending: dict[str, set[str]] = {}
    leaving: set[str] = set()
    raising: set[str] = set()
    classes: set[str] = set()
    for file, outline in outlines:
        classes.update(outline.classes)
        for item in outline.definitions:
            if item.raises:
                raising.add(item.name)
            places = files.setdefault(item.name, [])
            if len(places) <= _MOST_FILES and (not places or places[-1] != file):
                places.append(file)
            if item.leaves:
                leaving.add(item.name)
            elif item.calls:
                pending.setdefault(item.name, set()).update(item.calls)
            else:
                back.add(item.name)
    may_leave = _spread(leaving, pending)
    candidates = {name for name in leaving - back if name not in pending}
    waiting = {name: calls for name, calls in pending.items() if name not in back}
    every = _spread(candidates, waiting)
    return Definitions(
        {name: tuple(places) for name, places in files.items() if len(places) <= _MOST_FILES},
        frozenset(name for name in every if speaking(name) and len(files[name]) <= _MOST_FILES),
        frozenset(may_leave),
        frozenset(raising),
        frozenset(classes),
    )


def _spread(leaving: set[str], pending: dict[str, set[str]]) -> set[str]:
    """Add the names that call one of those near their end, until there are no more."""
    found = set(leaving)
    waiting = dict(pending)
    while True:
        more = {name for name, calls in waiting.items() if calls & found}
        if not more:
            return found
        found |= more
        for name in more:
            del waiting[name]
