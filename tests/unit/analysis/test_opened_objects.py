from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kimera_leakguard_native.analysis import engine

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY = """\
import socket

class Client:
    def __init__(self, host):
        self.host = host
        self.sock = None

    def connect(self):
        self.sock = socket.create_connection((self.host, 80))

    def ask(self, text):
        return self.sock.recv(len(text))

    def close(self):
        if self.sock is not None:
            self.sock.close()

class Known:
    def __init__(self, registry):
        registry.append(self)

    def connect(self):
        self.sock = socket.create_connection(("", 80))

    def close(self):
        self.sock.close()

class Waiting:
    async def connect(self):
        self.sock = socket.create_connection(("", 80))

    async def ask(self):
        return self.sock.recv(1)

    async def close(self):
        self.sock.close()

def create(host):
    client = Client(host)
    client.connect()
    return client
"""
LEAKY = {
    "never closed": ("N", "client = Client(host)\nclient.connect()\nreturn client.ask(b'x')"),
    "left early": (
        "E",
        "client = Client(host)\nclient.connect()\nif test:\n    return None\nclient.close()",
    ),
    "made by a function": ("N", "return create(host).ask(b'x')"),
    "in a loop": ("N", "for one in host:\n    client = Client(one)\n    client.connect()"),
    "fails in between": ("X", "client = Client(host)\nclient.connect()\ntest()\nclient.close()"),
}
CLEAN = {
    "closed": (
        "client = Client(host)\nclient.connect()\ntry:\n    test()\nfinally:\n    client.close()"
    ),
    "never opened": "client = Client(host)\nreturn client.host",
    "opened on one path": (
        "client = Client(host)\nif test:\n    client.connect()\n    client.close()\nreturn host"
    ),
    "somebody else's": "host.connect()",
    "given away before": "client = Client(host)\ntest.append(client)\nclient.connect()",
    "the result decides": (
        "client = Client(host)\nif not client.connect():\n    return None\nclient.close()"
    ),
    "known elsewhere": "client = Known(host)\nclient.connect()",
    "opened again": (
        "client = Client(host)\nclient.connect()\nclient.connect()\nclient.close()\nreturn None"
    ),
}


def _check(folder: Path, body: str, *tiers: str) -> list[str]:
    package = folder / "pack"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "library.py").write_text(LIBRARY)
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    text = f"from .library import *\nfrom .library import Client, Known, Waiting, create\n{lines}"
    (package / "use.py").write_text(text.replace("create\n", "create\ndef use(host, test):\n", 1))
    found = engine.check([str(package)], engine.Options(tiers=tiers)).findings
    return [item.tier for item in found if item.file.endswith("use.py")]


@pytest.mark.parametrize("name", LEAKY)
def test_an_opened_object_is_the_duty_of_its_maker(tmp_path: Path, name: str) -> None:
    tier, body = LEAKY[name]
    assert _check(tmp_path, body, *(("N", "E", "X") if tier == "X" else ())) == [tier]


@pytest.mark.parametrize("name", CLEAN)
def test_other_objects_are_not(tmp_path: Path, name: str) -> None:
    assert _check(tmp_path, CLEAN[name]) == []


def test_a_coroutine_opens_too(tmp_path: Path) -> None:
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "library.py").write_text(LIBRARY)
    (package / "use.py").write_text(
        "from .library import Waiting\n"
        "async def use():\n"
        "    client = Waiting()\n"
        "    await client.connect()\n"
        "    await client.ask()\n"
    )
    (finding,) = engine.check([str(package)], engine.Options()).findings
    assert (finding.line, finding.tier) == (4, "N")
    assert "socket of Waiting opened by client.connect()" in finding.message
