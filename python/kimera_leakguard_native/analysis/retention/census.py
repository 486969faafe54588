"""What a file does with a container, read off the text: most containers need no closer look.

A name that is shrunk, emptied, bound again, measured against a limit, or handed on anywhere in the
file is out of the question. Only for what is left the syntax tree is asked where it grows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention.body import parameters
from kimera_leakguard_native.analysis.retention.lifetimes import ENDS
from kimera_leakguard_native.analysis.retention.outline import last_name

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.retention.outline import ClassOutline, Outline

_GROW = re.compile(
    rb"\s*\.\s*(?:append|appendleft|add|extend|extendleft|insert|setdefault|update|push)\s*\("
    rb"|\s*(?:\+|\|)="
)
_SHRINK = re.compile(
    rb"\s*\.\s*(?:pop|popitem|popleft|clear|remove|discard|difference_update|intersection_update"
    rb"|symmetric_difference_update|expire|invalidate|get_nowait|cache_clear|move_to_end|rotate)\b"
    rb"|\s*[-&^]=|\s*\[[^\]\n]*\]\s*\.(?:pop|popleft|clear|remove|discard)\b"
)
_BIND = re.compile(rb"\s*(?::[^=\n]*)?=(?!=)|\s*,[^=()\n\[]*=(?!=)")
_SUBSCRIPT = re.compile(rb"\s*\[")
_HARMLESS = re.compile(
    rb"[ \t]*(?:\.(?:get|items|keys|values|copy|index|count|join|has_key|__contains__|__len__"
    rb"|iteritems|iterkeys|itervalues|viewitems|viewkeys|viewvalues|__getitem__|most_common|union|issubset|issuperset|intersection|difference|get_or_none)\b"
    rb"|:|\)?[ \t]*(?:and|or|if|else|in|not in|is|for|==|!=|\])\b|\]|\})"
)
_LIMIT = re.compile(rb"\s*\)\s*(?:[<>]=|[<>](?!=)|==|!=|-|\+|%)(?!\s*[01]\b)")
_MEASURES = re.compile(rb"\w = len\([\w.]*$")
"""A length that gets a name is compared with something."""
_READERS = re.compile(
    rb"(?:\b(?:gather|wait|debug|info|warning|error|exception|dumps|pformat|choice|chain|from_iterable"
    rb"|mean|array|asarray)\([^()\n]*?\*?"
    rb"|\b(?:len|sorted|list|iter|str|repr|tuple|set|frozenset|dict|any|all|sum|min|max|enumerate|zip"
    rb"|map|filter|bool|reversed|isinstance|print|join|deepcopy|copy|format)\([^()\n]*"
    rb"|\b(?:in|not|and|or|if|elif|while|assert|is)\s+\(?\s*)$"
)
_DELETES = re.compile(rb"\bdel\s[^\n]*$")
_COPIES = re.compile(rb"\)?\s*[\r\n#:,)\]]")


_MAX_DEPTH = 8


@dataclass(slots=True)
class Uses:
    """Where a file uses a container.

    Attributes
    ----------
    grown : list of int
        Offsets of calls that add, and of subscripts, of which some may be stores.
    settled : bool
        Whether something in the file shrinks or bounds it, or hands it to code that may.
    emptied : int or None
        A line that empties it at the end of its owner's life, when it is too late.
    """

    grown: list[int] = field(default_factory=list)
    settled: bool = False
    emptied: int | None = None


def uses(
    outline: Outline,
    name: str,
    made: frozenset[int],
    owner: ClassOutline | None,
    *,
    attribute: bool,
    of_instances: bool = False,
) -> Uses:
    """Go through the occurrences of a name.

    Parameters
    ----------
    made : frozenset of int
        Lines that make the container: no rebinding.
    owner : ClassOutline, optional
        The class that has it: what instances of unrelated classes do to their own does not count.
    attribute : bool
        Whether only occurrences after a dot count, or only those without one.
    of_instances : bool
        Whether each instance of the owner has its own: what its end empties was full until then.
    """
    data = outline.source.data
    found = Uses()
    foreign = _unrelated(outline, owner) if owner is not None else []
    word = name.encode()
    at = -1
    while (at := data.find(word, at + 1)) >= 0:
        end = at + len(word)
        if _continues(data, at, end) or (data[at - 1 : at] == b".") != attribute:
            continue
        start = data.rfind(b"\n", 0, at) + 1
        head = data[start:at]
        if b"#" in head or head.lstrip().startswith(
            (b"global ", b"nonlocal ", b"import ", b"from ")
        ):
            continue
        if foreign and head.endswith((b"self.", b"cls.")):
            line = outline.line_of(at)
            if any(first <= line <= last for first, last in foreign):
                continue
        if _SHRINK.match(data, end) or _DELETES.search(head):
            if of_instances and _at_the_end(outline, owner, at):
                found.emptied = outline.line_of(at)
                continue
            found.settled = True
            return found
        if _GROW.match(data, end) or _SUBSCRIPT.match(data, end):
            found.grown.append(at)
        elif _BIND.match(data, end) and b"(" not in head:
            line = outline.line_of(at)
            if line not in made and not (of_instances and _at_the_end(outline, owner, at)):
                found.settled = True
                return found
            if line not in made:
                found.emptied = line
        elif (b"len(" in head and (_LIMIT.match(data, end) or _MEASURES.search(head))) or not (
            _HARMLESS.match(data, end) or _READERS.search(_plain(head))
        ):
            found.settled = True
            return found
    return found


def _at_the_end(outline: Outline, owner: ClassOutline | None, offset: int) -> bool:
    """Whether a place lies in the method that ends an instance, and not one thing of it."""
    function = outline.function_at(outline.line_of(offset))
    if function is None or function.owner is not owner or not ENDS.search(function.node.name):
        return False
    name = function.node.name
    return len(parameters(function.node)) == 1 or name.startswith("__") or name == "connection_lost"


def _unrelated(outline: Outline, owner: ClassOutline) -> list[tuple[int, int]]:
    """Give the lines of the file's other classes, without those that derive from one another."""
    bases = {one.name: {last_name(base) for base in one.node.bases} for one in outline.classes}

    def derives(name: str | None, from_: str, seen: int = 0) -> bool:
        above = bases.get(name or "", set())
        return from_ in above or (
            seen < _MAX_DEPTH and any(derives(base, from_, seen + 1) for base in above)
        )

    first, last = owner.node.lineno, owner.node.end_lineno or 0
    return [
        (one.node.lineno, one.node.end_lineno or 0)
        for one in outline.classes
        if one.name != owner.name
        and not derives(one.name, owner.name)
        and not derives(owner.name, one.name)
        and not first <= one.node.lineno <= last
    ]


def _plain(head: bytes) -> bytes:
    """Take the receiver off the end of what stands before the name."""
    cut = len(head)
    while cut and (head[cut - 1 : cut].isalnum() or head[cut - 1 : cut] in (b".", b"_")):
        cut -= 1
    return head[:cut]


def _continues(data: bytes, at: int, end: int) -> bool:
    before, after = data[at - 1 : at] if at else b" ", data[end : end + 1]
    return before.isalnum() or before == b"_" or after.isalnum() or after == b"_"
