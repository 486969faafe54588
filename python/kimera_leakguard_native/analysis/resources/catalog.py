"""The typed catalog of resource models, read once from the TOML beside it."""

from __future__ import annotations

import functools
import re
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kimera_leakguard_native.analysis.reexports import IMPORTS, PassedOn
from kimera_leakguard_native.analysis.resources import user_models
from kimera_leakguard_native.analysis.resources.models import (
    Acquisition,
    Callees,
    Resource,
    Tables,
)
from kimera_leakguard_native.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Acquisition", "Callees", "Catalog", "Resource", "Vocabulary", "catalog"]

_FILES = (
    "stdlib.toml",
    "connections.toml",
    "http.toml",
    "processes.toml",
    "handles.toml",
    "streams.toml",
    "devices.toml",
)
STUBS = "stubs.toml"
"""Made by `stub_models` for what the other tables leave out."""

_ALSO_READING = frozenset({"result", "exception", "done", "cancelled", "get_loop", "save"})
"""Methods that end one kind of resource, and only ask others for something."""
_IDENTIFIER = re.compile(rb"[^\W\d]\w*")


class Vocabulary(NamedTuple):
    """What may acquire in one module.

    Attributes
    ----------
    words : frozenset of str
        Last parts of the names of callables; empty if the source has none of them.
    objects : frozenset of str
        Kinds of objects that a variable may be taken for by its name.
    """

    words: frozenset[str]
    objects: frozenset[str]


class Catalog:
    """Everything that is known of the libraries.

    Attributes
    ----------
    resources : dict of str to Resource
        By kind.
    acquire : dict of str to Acquisition
        By qualified name of the callable.
    acquire_method : dict of (str, str) to Acquisition
        By what the receiver is and the name of the method.
    made_by : dict of str to str
        What a callable's result is: a kind of resource, or an object whose methods acquire.
    variables : dict of str to tuple of str
        What a variable of a name usually is.
    objects : set of str
        What is no resource but has methods that acquire.
    callees : Callees
        How other callables treat their arguments.
    lasting : frozenset of str
        Last parts of the names of callables whose result outlives a with statement.
    ending : frozenset of str
        Methods that end some kind of resource, or hand it over.
    borrowing : frozenset of str
        Last parts of the names of callables that only use their arguments during the call.
    """

    def __init__(self, tables: Iterable[tuple[str, Tables]], callees: Callees) -> None:
        self.resources: dict[str, Resource] = {}
        self.acquire: dict[str, Acquisition] = {}
        self.acquire_method: dict[tuple[str, str], Acquisition] = {}
        self.made_by: dict[str, str] = {}
        self.variables: dict[str, tuple[str, ...]] = {}
        self.callees = callees
        self._words: dict[str, set[str]] = {}
        self.objects: set[str] = set()
        self._objects: dict[str, set[str]] = {}
        self._method_words: dict[str, set[str]] = {}
        self._patterns: dict[frozenset[str], re.Pattern[bytes]] = {}
        tables = list(tables)
        for _, one in tables:
            self.resources.update(one.resources)
        for source, one in tables:
            self._add(source, one)
        for source, one in tables:
            self._add_methods(source, one)
        self.ending = frozenset(
            name
            for one in self.resources.values()
            for name in (*one.release, *one.transfer)
            if name not in _ALSO_READING
        )
        self.borrowing = frozenset(map(_last, callees.borrow))
        self._always = frozenset(self._words.get("builtins", ()))
        lasting = {
            _last(name)
            for name, acquisition in self.acquire.items()
            if any(self.resources[kind].transaction for kind in acquisition.kinds)
        }
        self.lasting = frozenset(lasting)
        self._word_set = frozenset(word for words in self._words.values() for word in words)

    @property
    def roots(self) -> frozenset[str]:
        """Names of the libraries, as far as anything in them acquires."""
        return frozenset({*self._words, *self._objects})

    def vocabulary(
        self,
        data: bytes,
        module: str,
        passed_on: PassedOn | None = None,
        file_words: frozenset[bytes] = frozenset(),
    ) -> Vocabulary:
        """Say what may acquire in a module; nothing does if none of the words occurs.

        Parameters
        ----------
        data : bytes
            The source: what it imports decides which libraries are looked for.
        module : str
            Dotted name, because the modules of a library import each other by relative names.
        passed_on : PassedOn, optional
            What other modules may give this one of a library.
        file_words : frozenset of bytes
            All words of the source, for that.
        """
        imported, bound = {module.partition(".")[0]}, set[str]()
        for match in IMPORTS.finditer(data):
            bound.update(name.decode() for name in _IDENTIFIER.findall(match[2]))
            if match[1] is not None:
                imported.update(name.decode() for name in _IDENTIFIER.findall(match[1]))
        imported |= bound
        words = set(self._always) | (imported & self._word_set)
        for name, target in passed_on.given(imported, file_words) if passed_on else ():
            imported.add(_root(target))
            if _last(target) in self._word_set:
                words.add(name)
        objects: set[str] = set()
        for name in imported:
            words.update(self._words.get(name, ()))
            objects.update(self._objects.get(name, ()))
        for name in bound:
            objects.update(self.variables.get(name, ()))
        for kind in objects:
            words.update(self._method_words.get(kind, ()))
        wanted = frozenset(words)
        if self._pattern(wanted).search(data) is None:
            return Vocabulary(frozenset(), frozenset())
        return Vocabulary(wanted, frozenset(objects))

    def _pattern(self, words: frozenset[str]) -> re.Pattern[bytes]:
        pattern = self._patterns.get(words)
        if pattern is None:
            either = "|".join(sorted(re.escape(word) for word in words))
            pattern = self._patterns[words] = re.compile(rf"\b(?:{either})\b".encode())
        return pattern

    def _add(self, source: str, one: Tables) -> None:
        for kind, resource in one.resources.items():
            for name in resource.acquired_by:
                self._acquires(name, Acquisition(kind=kind))
        for by_name in one.acquire:
            self._check(source, ", ".join(by_name.callables), by_name)
            for name in by_name.callables:
                self._acquires(name, by_name)
        for kind, thing in one.objects.items():
            self.objects.add(kind)
            for name in thing.made_by:
                self.made_by[name] = kind
                self._objects.setdefault(_root(name), set()).add(kind)
            for variable in thing.variables:
                self.variables[variable] = (*self.variables.get(variable, ()), kind)

    def _acquires(self, name: str, acquisition: Acquisition) -> None:
        self.acquire[name] = acquisition
        if not acquisition.elements:
            self.made_by[name] = acquisition.kind
        self._words.setdefault(_root(name), set()).add(_last(name))

    def _add_methods(self, source: str, one: Tables) -> None:
        roots: dict[str, set[str]] = {}
        for name, kind in self.made_by.items():
            roots.setdefault(kind, set()).add(_root(name))
        for by_method in one.methods:
            self._check(source, ", ".join(by_method.methods), by_method)
            for owner in by_method.of:
                if owner not in self.resources and owner not in roots:
                    raise AnalysisError(f"{source}: methods of unknown {owner!r}")
                for method in by_method.methods:
                    self.acquire_method[owner, method] = by_method
                    words = self._called(owner, method)
                    self._method_words.setdefault(owner, set()).update(words)
                    for root in roots.get(owner, ()):
                        self._words.setdefault(root, set()).update(words)

    def _called(self, owner: str, method: str) -> list[str]:
        if method != "__call__":
            return [method]
        return [name for name, kinds in self.variables.items() if owner in kinds]

    def _check(self, source: str, names: str, acquisition: Acquisition) -> None:
        for kind in acquisition.kinds:
            if kind not in self.resources:
                raise AnalysisError(f"{source}: {names} acquires unknown kind {kind!r}")


def _root(name: str) -> str:
    return name.partition(".")[0]


def _last(name: str) -> str:
    return name.rpartition(".")[2]


@functools.cache
def catalog(models: str = "") -> Catalog:
    """Read the models.

    Parameters
    ----------
    models : str
        Tables of the user as JSON, after those of this package.

    Raises
    ------
    AnalysisError
        A table has an unknown key, a value of the wrong type, or names an unknown kind.
    """
    tables = [(name, _read(name, Tables)) for name in (*_FILES, STUBS)]
    if models:
        tables.append((user_models.SOURCE, _of_user(models)))
    return Catalog(tables, _read("callees.toml", Callees))


def written_catalog() -> Catalog:
    """Read the models that people have written, without those made from stubs."""
    tables = [(name, _read(name, Tables)) for name in _FILES]
    return Catalog(tables, _read("callees.toml", Callees))


def _of_user(models: str) -> Tables:
    from kimera_leakguard_native.analysis.rules.registry import rules

    ours = catalog()
    tables = user_models.decode(models)
    user_models.check(tables, ours.resources, ours.objects, rules())
    return tables


def _read(name: str, kind: Any) -> Any:
    path = resources.files("kimera_leakguard_native.analysis.resources") / name
    try:
        return msgspec.toml.decode(path.read_bytes(), type=kind)
    except (msgspec.MsgspecError, OSError) as error:
        raise AnalysisError(f"{name}: {error}") from error
