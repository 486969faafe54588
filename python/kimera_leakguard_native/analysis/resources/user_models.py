"""Models that a project adds in its pyproject.toml: the same tables, checked more kindly."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

import msgspec

from kimera_leakguard_native.analysis.resources.models import (
    ByMethod,
    ByName,
    Object,
    Resource,
    Tables,
)
from kimera_leakguard_native.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SOURCE = "pyproject.toml [tool.kimera-leakguard]"
_UNKNOWN = re.compile(r"unknown field `([^`]*)`(?: - at `\$\.?(\w*))?")
_STRUCTS: dict[str, type[msgspec.Struct]] = {
    "resources": Resource,
    "objects": Object,
    "acquire": ByName,
    "methods": ByMethod,
}


def decode(text: str) -> Tables:
    """Read the models of a user.

    Raises
    ------
    AnalysisError
        An unknown key (with a suggestion), or a value of the wrong type.
    """
    try:
        return msgspec.json.decode(text.encode(), type=Tables)
    except msgspec.MsgspecError as error:
        raise AnalysisError(f"{SOURCE}: {error}{_suggestion(str(error))}") from error


def check(
    tables: Tables, known: Mapping[str, Resource], others: Iterable[str], codes: Iterable[str]
) -> None:
    """Compare the names in a user's models with what there is.

    Parameters
    ----------
    known : mapping
        Resources of this package by kind.
    others : iterable of str
        Objects of this package.
    codes : iterable of str
        Codes of the rules.

    Raises
    ------
    AnalysisError
        A kind that there is already, or a name that nothing has.
    """
    for kind, resource in tables.resources.items():
        if kind in known:
            raise AnalysisError(
                f"{SOURCE}: there is a kind {kind!r} already; "
                f"name more callables for it in [[tool.kimera-leakguard.acquire]]"
            )
        _one_of(resource.rule, codes, f"resources.{kind}: unknown rule")
    kinds = {*known, *tables.resources}
    for item in (*tables.acquire, *tables.methods):
        for kind in item.kinds:
            _one_of(kind, kinds, "unknown kind")
    owners = {*kinds, *others, *tables.objects}
    for by_method in tables.methods:
        for owner in by_method.of:
            _one_of(owner, owners, "methods of unknown")


def _one_of(name: str, known: Iterable[str], what: str) -> None:
    known = sorted(known)
    if name not in known:
        raise AnalysisError(f"{SOURCE}: {what} {name!r}{_closest(name, known)}")


def _suggestion(message: str) -> str:
    found = _UNKNOWN.search(message)
    if found is None:
        return ""
    struct = _STRUCTS.get(found[2] or "", Tables)
    return _closest(found[1], [field.encode_name for field in msgspec.structs.fields(struct)])


def _closest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
