from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from kimera_leakguard_native.analysis.typeshed import Typeshed


@pytest.fixture(scope="module")
def stubs() -> Typeshed:
    return Typeshed((3, 12))


@pytest.mark.parametrize(
    ("name", "definition"),
    [
        ("IOError", "builtins.OSError"),
        ("socket.error", "builtins.OSError"),
        ("socket.timeout", "builtins.TimeoutError"),
        ("io.open", "builtins.open"),
        ("json.JSONDecodeError", "json.decoder.JSONDecodeError"),
        ("io.TextIOWrapper", "_io.TextIOWrapper"),
        ("os.path.join", "posixpath.join"),
        ("tarfile.open", "tarfile.TarFile.open"),
        ("gzip.GzipFile.fileno", "gzip.GzipFile.fileno"),
        ("ssl.SSLSocket.accept", "ssl.SSLSocket.accept"),
        ("ssl.SSLSocket.makefile", "socket.socket.makefile"),  # inherited
        ("multiprocessing.Pool", "multiprocessing.context.BaseContext.Pool"),  # of a variable
    ],
)
def test_names_lead_to_their_definition(stubs: Typeshed, name: str, definition: str) -> None:
    if sys.platform == "win32":
        definition = definition.replace("posixpath", "ntpath")
    assert stubs.canonical(name) == definition


@pytest.mark.parametrize("name", ["nowhere.at_all", "socket.no_such_name", "io.StringIO.nope", ""])
def test_unknown_names_lead_nowhere(stubs: Typeshed, name: str) -> None:
    assert stubs.definition(name) is None
    assert stubs.class_of(name) is None
    assert stubs.mro(name) is None


def test_the_version_decides_which_branch_of_a_stub_holds() -> None:
    old, new = Typeshed((3, 10)), Typeshed((3, 11))
    assert old.canonical("asyncio.TimeoutError") == "asyncio.exceptions.TimeoutError"
    assert new.canonical("asyncio.TimeoutError") == "builtins.TimeoutError"
    assert old.canonical("concurrent.futures.TimeoutError") == (
        "concurrent.futures._base.TimeoutError"
    )


@pytest.mark.parametrize(
    "name",
    [
        "ssl.SSLSocket",
        "json.JSONDecodeError",
        "zipfile.ZipExtFile",
        "subprocess.TimeoutExpired",
        "concurrent.futures.ThreadPoolExecutor",
        "collections.OrderedDict",
    ],
)
def test_resolution_order_holds_the_interpreters_bases_in_its_order(
    stubs: Typeshed, name: str
) -> None:
    module, _, attribute = name.rpartition(".")
    real = getattr(__import__(module, fromlist=[attribute]), attribute)
    ours = [base.rpartition(".")[2] for base in stubs.mro(name) or ()]
    shared = [cls.__name__ for cls in real.__mro__ if cls.__name__ in ours]
    assert ours[0] == real.__name__
    assert ours[-1] == "object"
    assert [base for base in ours if base in shared] == shared
    assert len(shared) >= 2


def test_annotations_are_expanded(stubs: Typeshed) -> None:
    def classes(text: str, module: str = "subprocess") -> set[str]:
        return set(stubs.classes_in(ast.parse(text, mode="eval").body, module, "pkg.Own"))

    assert classes("Popen[str] | None") == {"subprocess.Popen"}
    assert classes("'Popen[bytes]'") == {"subprocess.Popen"}
    assert classes("IO[bytes] | int") == {"typing.IO", "builtins.int"}
    assert classes("_FILE") == {"typing.IO", "builtins.int"}  # an alias of a union
    assert classes("Any") == set()
    assert classes("type[Popen[str]]") == set()
    assert classes("Self", "tarfile") == {"pkg.Own"}
    assert classes("_SupportsCloseT", "contextlib") == {"contextlib._SupportsClose"}  # a bound


def test_looking_a_module_up_does_not_import_it() -> None:
    code = (
        "import sys\n"
        "from kimera_leakguard_native.analysis.typeshed import Typeshed\n"
        "assert 'typeshed_client' not in sys.modules\n"
        "stubs = Typeshed()\n"
        "assert stubs.mro('imaplib.IMAP4') and stubs.class_of('turtle.Turtle')\n"
        "print(sorted({'imaplib', 'turtle', 'tkinter'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


def test_every_stub_of_the_library_can_be_read() -> None:
    import typeshed_client

    stubs = Typeshed((3, 12))
    context = typeshed_client.get_search_context(search_path=[], version=(3, 12))
    modules = [name for name, _ in typeshed_client.get_all_stub_files(context)]
    assert len(modules) > 500
    assert [name for name in modules if stubs.names(name) is None] == []
