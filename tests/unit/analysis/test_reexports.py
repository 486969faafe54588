from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kimera_leakguard_native.analysis import engine
from kimera_leakguard_native.analysis.reexports import imported_from_libraries, original

if TYPE_CHECKING:
    from pathlib import Path

COMPAT = """\
import sys
if sys.version_info[0] < 3:
    import httplib
else:
    import http.client as httplib
from socket import (  # both
    socket as Endpoint,
    error as SocketError,
)
"""


def test_import_statements_are_read_from_the_text() -> None:
    found = imported_from_libraries(COMPAT.encode(), {"http", "httplib", "socket"})
    assert found == {
        "httplib": "http.client",
        "Endpoint": "socket.socket",
        "SocketError": "socket.error",
    }


def test_libraries_without_a_model_and_relative_imports_are_left_out() -> None:
    data = b"import other\nfrom .near import socket\nfrom . import http\nimport os.path\n"
    assert imported_from_libraries(data, {"os", "http"}) == {"os": "os"}


def test_a_name_stands_for_what_its_module_imports() -> None:
    exports = {"pack.compat": {"httplib": "http.client"}}
    assert original("pack.compat.httplib.HTTPConnection", exports) == "http.client.HTTPConnection"
    assert original("pack.compat.other", exports) == "pack.compat.other"


@pytest.mark.parametrize(
    ("header", "call"),
    [
        ("from .compat import httplib", "httplib.HTTPConnection(host)"),
        ("from .compat import httplib as client", "client.HTTPConnection(host)"),
        ("from . import compat", "compat.httplib.HTTPConnection(host)"),
        ("from .compat import *", "httplib.HTTPConnection(host)"),
        ("from .compat import Endpoint", "Endpoint()"),
    ],
)
def test_what_a_compatibility_module_passes_on_acquires(
    tmp_path: Path, header: str, call: str
) -> None:
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "compat.py").write_text(COMPAT)
    leaky = f"def leaky(host):\n    it = {call}\n    it.connect(host)\n"
    clean = f"def clean(host):\n    it = {call}\n    it.close()\n"
    (package / "use.py").write_text(f"{header}\n{leaky}{clean}")
    result = engine.check([str(package)], engine.Options())
    assert [(item.tier, item.line) for item in result.findings] == [("N", 3)]


def test_a_class_derives_from_what_is_passed_on(tmp_path: Path) -> None:
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "compat.py").write_text(COMPAT)
    (package / "use.py").write_text(
        "from .compat import SocketError, Endpoint\n"
        "class Failed(SocketError): pass\n"
        "def leaky(address):\n"
        "    it = Endpoint()\n"
        "    try:\n"
        "        it.connect(address)\n"
        "    except Failed:\n"
        "        it.close()\n"
        "        raise\n"
        "    except SocketError:\n"
        "        raise\n"
        "    it.close()\n"
        "def clean(address):\n"
        "    it = Endpoint()\n"
        "    try:\n"
        "        it.connect(address)\n"
        "    except SocketError:\n"
        "        it.close()\n"
        "        raise\n"
        "    it.close()\n"
    )
    found = engine.check([str(package)], engine.Options(tiers=("N", "E", "X"))).findings
    assert {item.line for item in found} == {4}
