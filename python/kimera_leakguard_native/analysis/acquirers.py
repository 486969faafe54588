"""The functions of a project that acquire for their callers, found bottom-up.

Each round looks only at functions that call what the rounds before have found, the library's own
callables in the first one; it ends with the round that finds nothing new. Files are parsed only if
their text has a call of such a name whose result could be returned.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import frontend
from kimera_leakguard_native.analysis.decorators import Wrapping, is_property
from kimera_leakguard_native.analysis.definitions import Definitions, definitions_in
from kimera_leakguard_native.analysis.outline import Outline, outline_of
from kimera_leakguard_native.analysis.reexports import (
    Exports,
    PassedOn,
    imported_from_libraries,
)
from kimera_leakguard_native.analysis.returned import NO_RESOURCE, Provided, Returning
from kimera_leakguard_native.analysis.sites import may_acquire
from kimera_leakguard_native.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kimera_leakguard_native.analysis.function import Function
    from kimera_leakguard_native.analysis.project import Project
    from kimera_leakguard_native.analysis.resources.catalog import Vocabulary

MAX_ROUNDS = 24
"""A longer chain of wrappers is not followed to its end."""

_NONE: frozenset[str] = frozenset()


@dataclass(slots=True)
class Acquirers:
    """What the calls of a project acquire that no library model knows.

    Attributes
    ----------
    provided : dict of str to tuple of Provided
        By qualified name of the function, for those whose callers always own the result.
    guarded : frozenset of str
        Qualified names of functions that hand a resource out in some cases only.
    words : frozenset of str
        Last parts of all these names.
    mentioned : dict of str to frozenset of str
        Which of the words a file has; files without any are left out.
    definitions : Definitions
        All functions by name.
    vocabularies : dict of str to Vocabulary
        What the library models look for in each file.
    file_words : dict of str to frozenset of bytes
        All words of each file.
    exports : dict of str to dict
        By module: the names that it gives to others for something of a library.
    """

    provided: dict[str, tuple[Provided, ...]] = field(default_factory=dict)
    guarded: frozenset[str] = frozenset()
    words: frozenset[str] = _NONE
    mentioned: dict[str, frozenset[str]] = field(default_factory=dict)
    definitions: Definitions = field(default_factory=Definitions)
    vocabularies: dict[str, Vocabulary] = field(default_factory=dict)

    file_words: dict[str, frozenset[bytes]] = field(default_factory=dict)
    exports: Exports = field(default_factory=dict)

    def digests(self, contents: Mapping[str, bytes]) -> dict[str, bytes]:
        """Add to the digest of each file what is known of the names that occur in it.

        A result rests on more than the files that were looked at: on which functions there are of
        the names that a file calls, and on which of them acquire.
        """
        known = self.definitions
        provided: dict[str, list[object]] = {}
        for name in sorted({*self.provided, *self.guarded}):
            about = (name, self.provided.get(name), name in self.guarded)
            called = name.removesuffix(".__init__").rpartition(".")[2]
            provided.setdefault(called, []).append(about)
        renamed = PassedOn(self.exports).renamed
        facts = {
            name.encode(errors="replace"): repr(
                (
                    name,
                    known.files.get(name),
                    name in known.leaving,
                    name in known.may_leave,
                    name in known.raising,
                    name in known.classes,
                    provided.get(name),
                    renamed.get(name),
                )
            ).encode(errors="backslashreplace")
            for name in {
                *known.files,
                *known.may_leave,
                *known.raising,
                *known.classes,
                *provided,
                *renamed,
            }
        }
        names = frozenset(facts)
        joined = {}
        for file, content in contents.items():
            total = hashlib.blake2b(content, digest_size=16)
            for word in sorted(self.file_words.get(file, frozenset()) & names):
                total.update(facts[word])
            joined[file] = total.digest()
        return joined


def acquirers_of(project: Project) -> Acquirers:
    """Find the acquirers among the functions of a project's files."""
    outlines: dict[str, Outline] = {}
    sources: dict[str, bytes] = {}
    for file in sorted(project.files):
        try:
            data = frontend.read(file)
        except AnalysisError:
            continue
        outlines[file] = outline_of(data)
        sources[file] = data
    found = project.acquirers
    renamed: dict[str, set[str]] = {}
    for outline in outlines.values():
        for old, alias in outline.renamed:
            renamed.setdefault(old, set()).add(alias)
    found.definitions = definitions_in(outlines.items())
    libraries = project.catalog.roots
    own = {name.partition(".")[0] for name in project.names.values()}
    for file, data in sources.items():
        name = project.name_of(file)
        if name.partition(".")[0] in libraries:
            continue  # the models have the names that a library gives to others, not its own
        exported = imported_from_libraries(data, libraries - own)
        if exported:
            found.exports[name] = exported
    passed_on = PassedOn(found.exports)
    for file, data in sources.items():
        name = project.name_of(file)
        found.vocabularies[file] = project.catalog.vocabulary(
            data, name, passed_on, outlines[file].words
        )
    candidates = {file: one.words for file, one in found.vocabularies.items() if one.words}
    for _ in range(MAX_ROUNDS):
        names = _add_functions(project, candidates, sources)
        if not names:
            names = _add_owners(project, sources)
        if not names:
            break
        words = frozenset(names.union(*(renamed.get(name, ()) for name in names)))
        found.words |= words
        encoded = frozenset(word.encode() for word in words)
        candidates = {file: words for file in outlines if outlines[file].words & encoded}
    found.file_words = {file: outline.words for file, outline in outlines.items()}
    found.mentioned = _mentioned(outlines.items(), found.words)
    return found


def _add_functions(
    project: Project, candidates: dict[str, frozenset[str]], sources: dict[str, bytes]
) -> set[str]:
    """Add the functions that call one of some names; give the names of those that are new."""
    found = project.acquirers
    new = _round(project, candidates, sources)
    before = dict(found.provided)
    guarded = set(found.guarded)
    for name, returning in new.items():
        if returning.always:
            found.provided[name] = returning.provided
        else:
            guarded.add(name)
    names = {
        name.rpartition(".")[2]
        for name in new
        if name in guarded - found.guarded or found.provided.get(name) != before.get(name)
    }
    found.guarded = frozenset(guarded)
    return names


def _add_owners(project: Project, sources: dict[str, bytes]) -> set[str]:
    """Add the classes whose objects hold a resource from their construction on."""
    from kimera_leakguard_native.analysis.obligations.openers import may_open, openers_in
    from kimera_leakguard_native.analysis.obligations.owners import owners_in

    found = project.acquirers
    names: set[str] = set()
    library = frozenset(name.rpartition(".")[2] for name in project.catalog.acquire)
    for file, vocabulary in found.vocabularies.items():
        bases = found.words | (vocabulary.words & library)
        words = vocabulary.words | {word for word in found.words if word.encode() in sources[file]}
        if not words or b"class " not in sources[file]:
            continue
        for owner in owners_in(project, file, sources[file], words, bases):
            key = f"{owner.name}.__init__"
            if key not in found.provided:
                found.provided[key] = (owner.provided,)
                names.add(owner.name.rpartition(".")[2])
        if may_open(sources[file], words):
            for key, opened in openers_in(project, file, words):
                if key not in found.provided:
                    found.provided[key] = (opened,)
                    names.add(key.rpartition(".")[2])
    return names


def _mentioned(
    outlines: Iterable[tuple[str, Outline]], words: frozenset[str]
) -> dict[str, frozenset[str]]:
    encoded = frozenset(word.encode() for word in words)
    return {
        file: frozenset(word.decode() for word in outline.words & encoded)
        for file, outline in outlines
        if outline.words & encoded
    }


def _round(
    project: Project, candidates: dict[str, frozenset[str]], sources: dict[str, bytes]
) -> dict[str, Returning]:
    """Look at the functions that call one of some names; all see what was known before."""
    new: dict[str, Returning] = {}
    for file, words in candidates.items():
        if not _may_return(sources[file], _calls(words)):
            continue
        with project.dependencies.aside(file):
            new.update(_in_module(project, file, words))
    return new


def _in_module(project: Project, file: str, words: frozenset[str]) -> dict[str, Returning]:
    module = project.module(project.name_of(file))
    if module is None:
        return {}
    new: dict[str, Returning] = {}
    for scope in module.functions.values():
        if not _returns_value(scope.node) or not may_acquire(scope, words):
            continue
        if project.wrapping(module, scope) is not Wrapping.DIRECT or is_property(scope):
            continue
        function = project.function(module, scope)
        returning = _returning(function)
        function.forget_graph()
        if returning.provided:
            new[function.qualified_name] = returning
    return new


def _returning(function: Function) -> Returning:
    try:
        return function.returning()
    except (AnalysisError, RecursionError):
        return NO_RESOURCE


@functools.lru_cache(maxsize=256)
def _calls(words: frozenset[str]) -> re.Pattern[bytes]:
    either = "|".join(sorted(re.escape(word) for word in words))
    return re.compile(rf"\b(?:{either})[ \t]*\(".encode())


_TARGETS = re.compile(rb"[ \t]*([\w, \t]+?)[ \t]*(?::[^=]*)?=(?!=)")
_RECEIVER = re.compile(rb"\b(\w+)\.\Z")
_NAME = re.compile(rb"\w+")


def _may_return(data: bytes, pattern: re.Pattern[bytes]) -> bool:
    """Whether the text has a call of such a name whose result might be returned."""
    for match in pattern.finditer(data):
        start = data.rfind(b"\n", 0, match.start()) + 1
        while start > 0 and data[:start].rstrip()[-1:] in (b"(", b"=", b"\\", b","):
            # The statement began on the line before.
            start = data.rfind(b"\n", 0, start - 1) + 1
            if match.start() - start > 400:
                break
        before = data[start : match.start()]
        stripped = before.lstrip()
        if b"return" in before or stripped.startswith((b"else", b"if", b"or")):
            return True
        bound = _TARGETS.match(before) or _RECEIVER.search(before)
        if bound is not None:
            either = b"|".join(sorted(re.escape(name) for name in _NAME.findall(bound[1])))
            end = data.find(b"\ndef ", match.end())
            if end < 0:
                end = len(data)
            returned = re.compile(rb"\breturn\b[^\n#]*\b(?:" + either + rb")\b")
            if returned.search(data, match.end(), end):
                return True
    return False


def _returns_value(node: ast.AST) -> bool:
    if isinstance(node, ast.Lambda):
        return False
    return any(
        isinstance(item, ast.Return)
        and item.value is not None
        and not isinstance(item.value, ast.Constant)
        for item in ast.walk(node)
    )
