"""The typed catalog of resource models, read once from the TOML beside it."""

from __future__ import annotations

import functools
import re
from importlib import resources
from typing import Any

import msgspec

from kimera_leakguard_native.errors import AnalysisError


class Resource(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One kind of resource; the fields are described in `stdlib.toml`."""

    rule: str
    noun: str
    release: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    context: bool = False
    transfer: tuple[str, ...] = ()
    collected: bool = True
    raises: dict[str, tuple[str, ...]] = {}
    may_raise: tuple[str, ...] = ()


class Acquisition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a callable acquires: the kind, and where in the result; the whole by default."""

    kind: str
    elements: tuple[int, ...] = ()
    receiver: str = ""


class _Models(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    resources: dict[str, Resource] = {}
    acquire: dict[str, Acquisition] = {}
    acquire_method: dict[str, Acquisition] = {}


class Callees(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How callables treat their arguments; the fields are described in `callees.toml`."""

    borrow: frozenset[str]
    derive: frozenset[str]
    take: frozenset[str]
    borrow_verbs: frozenset[str]
    never_return: frozenset[str]
    ends_process: frozenset[str]
    pure: frozenset[str]
    pure_methods: frozenset[str]
    raises: dict[str, tuple[str, ...]]


class Catalog(msgspec.Struct, frozen=True):
    """Everything that is known of the libraries.

    Attributes
    ----------
    resources : dict of str to Resource
        By kind.
    acquire : dict of str to Acquisition
        By qualified name of the callable.
    acquire_method : dict of str to Acquisition
        By name of a method whose receiver is a resource of the named kind.
    """

    resources: dict[str, Resource]
    acquire: dict[str, Acquisition]
    acquire_method: dict[str, Acquisition]
    callees: Callees

    def words(self) -> frozenset[str]:
        """Give the last part of the name of every callable that acquires."""
        names = {name.rpartition(".")[2] for name in self.acquire}
        return frozenset(names | set(self.acquire_method))


@functools.cache
def catalog() -> Catalog:
    """Read the models.

    Raises
    ------
    AnalysisError
        A table has an unknown key, a value of the wrong type, or names an unknown kind.
    """
    models = _read("stdlib.toml", _Models)
    for name, acquisition in (*models.acquire.items(), *models.acquire_method.items()):
        if acquisition.kind not in models.resources:
            raise AnalysisError(f"stdlib.toml: {name} acquires unknown kind {acquisition.kind!r}")
    return Catalog(
        models.resources, models.acquire, models.acquire_method, _read("callees.toml", Callees)
    )


@functools.cache
def acquiring_words() -> re.Pattern[bytes]:
    """Give a pattern that every file with an acquisition by name matches."""
    words = "|".join(sorted(re.escape(word) for word in catalog().words()))
    return re.compile(rf"\b(?:{words})\b".encode())


def _read(name: str, kind: Any) -> Any:
    path = resources.files("kimera_leakguard_native.analysis.resources") / name
    try:
        return msgspec.toml.decode(path.read_bytes(), type=kind)
    except (msgspec.MsgspecError, OSError) as error:
        raise AnalysisError(f"{name}: {error}") from error
