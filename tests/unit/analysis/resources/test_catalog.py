from __future__ import annotations

import pytest

from kimera_leakguard_native.analysis.resources.catalog import catalog
from kimera_leakguard_native.analysis.rules.registry import rules


def test_every_kind_has_a_rule_and_a_way_to_end() -> None:
    for kind, resource in catalog().resources.items():
        assert resource.rule in rules(), kind
        ends = (*resource.release, *resource.functions, *resource.consume)
        assert ends or kind == "slot", kind


def test_every_name_acquires_a_known_kind() -> None:
    known = catalog()
    every = (*known.acquire.values(), *known.acquire_method.values())
    assert all(kind in known.resources for item in every for kind in item.kinds)
    assert all("." in name for name in known.acquire)


@pytest.mark.parametrize(
    ("source", "module", "word", "there"),
    [
        (b"import sqlite3\nsqlite3.connect(p)\n", "app", "connect", True),
        (b"import os, sqlite3 as db\ndb.connect(p)\n", "app", "connect", True),
        (b"from sqlite3 import (\n    connect,\n)\nconnect(p)\n", "app", "connect", True),
        (b"from .compat import urlopen\nurlopen(u)\n", "app", "urlopen", True),
        (b"from .db import SessionLocal\nSessionLocal()\n", "app", "SessionLocal", True),
        (b"from . import sessions\nsessions.Session()\n", "requests.api", "Session", True),
        (b"import myown\nmyown.connect(p)\nopen(p)\n", "app", "connect", False),
        (b"x = 1\n", "app", "open", False),
    ],
)
def test_vocabulary_follows_the_imports(source: bytes, module: str, word: str, there: bool) -> None:
    assert (word in catalog().vocabulary(source, module).words) is there


def test_names_of_variables_count_where_their_library_is_imported() -> None:
    known = catalog()
    assert "sqlalchemy-engine" in known.vocabulary(b"import sqlalchemy\nopen(p)\n", "app").objects
    assert "sqlalchemy-engine" not in known.vocabulary(b"import queue\nopen(p)\n", "app").objects
