from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kimera_leakguard_native.analysis import engine

if TYPE_CHECKING:
    from pathlib import Path

HEADER = """\
import socket

class Checked:
    def __init__(self, sock, name):
        if not name:
            raise ValueError(name)
        self.sock = sock

    def end(self):
        self.sock.close()

class Careful:
    def __init__(self, sock, name):
        self.sock = sock
        if not name:
            sock.close()
            raise ValueError(name)

    def end(self):
        self.sock.close()

class Plain:
    def __init__(self, sock, name):
        self.sock = sock
        self.name = name

    def end(self):
        self.sock.close()
"""


@pytest.mark.parametrize(("made", "tiers"), [("Checked", ["X"]), ("Careful", []), ("Plain", [])])
def test_a_constructor_that_fails_has_not_taken_over(
    tmp_path: Path, made: str, tiers: list[str]
) -> None:
    file = tmp_path / "module.py"
    file.write_text(
        f"{HEADER}\ndef use(name):\n    sock = socket.socket()\n    return {made}(sock, name)\n"
    )
    found = engine.check([str(file)], engine.Options(tiers=("N", "E", "X"))).findings
    assert [item.tier for item in found] == tiers
