"""Tables of lists, sets or locks whose entries are emptied, and never taken out themselves."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention import growth
from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.lifetimes import few_instances
from kimera_leakguard_native.analysis.retention.outline import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.outline import Definition, Outline

GLOBAL = "KLG203"
ATTRIBUTE = "KLG204"

_EMPTY = rb"(?:\[\]|\{\}|(?:\w+\.)?(?:set|list|dict|deque|OrderedDict|WeakSet)\(\))"
_GROUPS = re.compile(
    rb"\.setdefault\([^\n]*, *%(e)s\)|\] = %(e)s|defaultdict\((?:list|set|dict|(?:\w+\.)?deque)\)"
    % {b"e": _EMPTY}
)
_LOCKS = re.compile(
    rb"defaultdict\((?:lambda: *)?(?:\w+\.)?"
    rb"(?:Event|R?Lock|Condition|(?:Bounded)?Semaphore|Queue)\b"
)
_NAME_BEFORE = re.compile(
    rb"(?:\b(self)\.|(?<![\w.]))(\w+)(?:\[[^\n]*|(?:: ?[^=\n]+)? = [^\n=]*)?\Z"
)
_TAKES = frozenset({"remove", "discard", "pop", "popleft", "popitem", "clear"})
_FEW = re.compile(
    r"event|signal|hook|name$|stage|phase|action|command|level|^attr|option|priority|label|tag$"
)
"""Keys that the text of a program usually has a handful of."""


def find(outline: Outline) -> Iterator[Retention]:
    """Look at each table that groups things by a key."""
    data = outline.source.data
    for locks, pattern in ((False, _GROUPS), (True, _LOCKS)):
        tables: dict[tuple[str, bool], None] = {}
        for match in pattern.finditer(data):
            start = data.rfind(b"\n", 0, match.start()) + 1
            before = _NAME_BEFORE.search(data, start, match.start())
            if before is not None:
                tables[before[2].decode("utf-8", "replace"), before[1] is not None] = None
        for name, own in tables:
            if not _is_emptied(data, name):
                yield from _table(outline, name, own=own, locks=locks)


def _is_emptied(data: bytes, name: str) -> bool:
    """Whether entries are taken out of a table, or a new one takes its place."""
    pattern = re.compile(
        rb"\b%(n)s\.(?:pop|popitem|clear)\b|\bdel +[\w.]*\b%(n)s\[[^\n]*?\] *(?:#[^\n]*)?\r?$"
        rb"|\b%(n)s = [\w.{]*%(n)s|\b%(n)s = \{[^}\n]|\breturn +[\w.]*\b%(n)s *\r?$"
        % {b"n": re.escape(name.encode())},
        re.MULTILINE,
    )
    return pattern.search(data) is not None


def _table(outline: Outline, name: str, *, own: bool, locks: bool) -> Iterator[Retention]:
    if not own and not _of_module(outline, name):
        return
    word = re.compile(rb"%b\b%b\b" % (rb"\bself\." if own else rb"(?<!\.)", name.encode()))
    offsets = [match.start() for match in word.finditer(outline.source.data)]
    functions = outline.functions_at(iter(offsets))
    places = frozenset({f"self.{name}" if own else name})
    owner = next((one.owner for one in functions), None) if own else None
    if own and (owner is None or few_instances(owner) or _rebound(functions, places)):
        return
    taken = None if locks else next(filter(None, (_taken(one, places) for one in functions)), None)
    if taken is None and not locks:
        return
    for function in functions:
        if function.node.name in ("__init__", "__new__"):
            continue
        for site in growth.growths(function, places, reads=locks):
            key = site.key
            if key is None or growth.finite(function, key) or _few(key):
                continue
            if not growth.from_outside(function, key):
                continue
            where = next(iter(places))
            yield Retention(
                ATTRIBUTE if own else GLOBAL,
                site.node,
                f"{where} makes one for every {ast.unparse(key)[:40]}, and nothing removes it"
                if locks
                else f"{where} keeps an entry for every {ast.unparse(key)[:40]}, even when it is "
                "empty again",
                "container",
                0.4,
                steps=(
                    (site.node.lineno, f"{function.node.name}() makes the entry"),
                    *([taken] if taken is not None else []),
                ),
                unless_shrunk=((owner.name if owner else None, name),),
            )
            return


def _of_module(outline: Outline, name: str) -> bool:
    return any(
        isinstance(target, ast.Name) and target.id == name
        for statement in outline.statements
        if isinstance(statement, (ast.Assign, ast.AnnAssign))
        for target in (
            statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        )
    )


def _few(key: ast.expr) -> bool:
    last = key.attr if isinstance(key, ast.Attribute) else getattr(key, "id", "")
    return _FEW.search(last) is not None


def _rebound(functions: list[Definition], places: frozenset[str]) -> bool:
    """Whether something other than a constructor binds the attribute."""
    return any(
        dotted(target) in places
        for function in functions
        if function.node.name not in ("__init__", "__new__", "__post_init__")
        for node in function.body.every(ast.Assign)
        for target in node.targets
    )


def _taken(function: Definition, places: frozenset[str]) -> tuple[int, str] | None:
    """Say where something is taken out of an entry, so that the entry may become empty."""
    entries = _entries(function, places)
    for node in function.body.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            receiver = node.func.value
            if node.func.attr in _TAKES and (
                _is_entry(receiver, places)
                or (isinstance(receiver, ast.Name) and receiver.id in entries)
            ):
                return node.lineno, "things are taken out of an entry here, and it stays"
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                if isinstance(target, ast.Subscript) and (
                    _is_entry(target.value, places)
                    or (isinstance(target.value, ast.Name) and target.value.id in entries)
                ):
                    return node.lineno, "things are taken out of an entry here, and it stays"
    return None


def _is_entry(node: ast.expr, places: frozenset[str]) -> bool:
    """Whether an expression is `table[key]` or `table.get(key)`."""
    if isinstance(node, ast.Subscript):
        return dotted(node.value) in places
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("get", "setdefault")
        and dotted(node.func.value) in places
    )


def _entries(function: Definition, places: frozenset[str]) -> set[str]:
    """Give the variables that are entries of a table."""
    found: set[str] = set()
    for node in function.body.nodes:
        if isinstance(node, ast.Assign) and _is_entry(node.value, places):
            found |= {item.id for item in node.targets if isinstance(item, ast.Name)}
        elif isinstance(node, (ast.For, ast.comprehension)):
            call = node.iter
            if isinstance(call, ast.Call) and dotted(call.func) in ("list", "tuple") and call.args:
                call = call.args[0]
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
                continue
            if call.func.attr in ("values", "items") and dotted(call.func.value) in places:
                target = node.target
                last = target.elts[-1] if isinstance(target, ast.Tuple) else target
                if isinstance(last, ast.Name):
                    found.add(last.id)
    return found
