"""How many instances of a class a program makes, and how long they live, as far as a file shows."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.outline import last_name

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.retention.outline import ClassOutline, Outline

_FEW = re.compile(r"Enum$|Flag$|^type$|Meta$|Metaclass$|Singleton|Borg|^Protocol$|TestCase$")
_LONG_LIVED_BASES = re.compile(
    r"(Thread|Server|Protocol|Worker|Service|Consumer|Producer|Actor|Manager|Pool|Client|Middleware"
    r"|Listener|Scheduler|Monitor|Store|Cache|Backend|Broker|Dispatcher|Registry|Engine|Session|Queue"
    r"|Semaphore|Lock|Condition|Event|Loop|Connection|Transport|Application|App|Daemon|Agent|Tracker"
    r"|Callback|Handler|Bus|Hub|Router|Controller|Executor|Watcher|Proxy|Trainer|Logger|Collector)s?$"
)
_LIFECYCLE = frozenset(
    {"start", "stop", "run", "serve", "serve_forever", "shutdown", "close", "aclose", "connect"}
    | {
        "disconnect",
        "acquire",
        "release",
        "__aenter__",
        "__aexit__",
        "subscribe",
        "dispatch",
        "join",
    }
)
_LOCKS = re.compile(rb"\b(?:R?Lock|Condition|Semaphore|Event)\(")
ENDS = re.compile(
    r"^_*(a?close|stop|shutdown|shut_down|disconnect|terminate|dispose|cleanup|teardown|finish|destroy"
    r"|exit)$|^__a?exit__$|^__del__$|^tearDown|^connection_lost$"
)
"""Methods that end an object's life."""

_SINGLE_FIELDS = frozenset({"_instance", "__instance", "_singleton", "_inst", "instance"})


def few_instances(owner: ClassOutline) -> bool:
    """Whether instances are few by nature: enums, metaclasses, singletons, test cases."""
    node = owner.node
    bases = [*node.bases, *(item.value for item in node.keywords if item.arg == "metaclass")]
    names = [*map(last_name, bases), *map(last_name, node.decorator_list)]
    if any(name and (_FEW.search(name) or name == "singleton") for name in names):
        return True
    fields = {
        target.id
        for statement in owner.statements
        if isinstance(statement, (ast.Assign, ast.AnnAssign))
        for target in (
            statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        )
        if isinstance(target, ast.Name)
    }
    return bool(fields & _SINGLE_FIELDS)


def made_at(outline: Outline, owner: ClassOutline) -> int | None:
    """Give a line inside a function, outside of the class, that makes an instance; None if none."""
    pattern = re.compile(rb"(?<![\w.])" + re.escape(owner.name.encode()) + rb"\(")
    first, last = owner.node.lineno, owner.node.end_lineno or 0
    for match in pattern.finditer(outline.source.data):
        line = outline.line_of(match.start())
        if first <= line <= last:
            continue
        function = outline.function_at(line)
        if function is not None and line > function.node.lineno:
            return line
    return None


def made_once(outline: Outline, owner: ClassOutline) -> bool:
    """Whether the module itself makes an instance and no function of it does."""
    for statement in outline.statements:
        value = getattr(statement, "value", None)
        if (
            isinstance(statement, (ast.Assign, ast.AnnAssign))
            and isinstance(value, ast.Call)
            and last_name(value.func) == owner.name
        ):
            return made_at(outline, owner) is None
    return False


def long_lived(outline: Outline, owner: ClassOutline, *, queue: bool) -> str | None:
    """Say why an instance lives long, if anything says so.

    Parameters
    ----------
    queue : bool
        Whether what grows is a deque.
    """
    for base in (*(last_name(item) for item in owner.node.bases), owner.name):
        if base and _LONG_LIVED_BASES.search(base):
            return f"{owner.name} is a {base}"
    lifecycle = sorted(_LIFECYCLE & owner.methods.keys())
    if lifecycle:
        return f"{owner.name} has a life of its own: {lifecycle[0]}()"
    if _has_lock(outline, owner):
        return f"{owner.name} is shared between threads or tasks: it has a lock"
    if queue:
        return "it is a queue that nothing takes from"
    return None


def _has_lock(outline: Outline, owner: ClassOutline) -> bool:
    starts = outline.line_starts
    last = min(owner.node.end_lineno or 0, len(starts) - 1)
    data = outline.source.data
    return _LOCKS.search(data, starts[owner.node.lineno - 1], starts[last]) is not None


def is_shared(outline: Outline, owner: ClassOutline) -> bool:
    """Whether more speaks for a long life than a method `close()`, which a document has too."""
    return _has_lock(outline, owner) or any(
        name is not None and _LONG_LIVED_BASES.search(name) is not None
        for name in (*map(last_name, owner.node.bases), owner.name)
    )
