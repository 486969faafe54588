from __future__ import annotations

import importlib

import pytest

from kimera_leakguard_native.analysis.stub_deny import DENIED, TRANSACTIONAL
from kimera_leakguard_native.analysis.stub_facts import StubFacts
from kimera_leakguard_native.analysis.typeshed import Typeshed


@pytest.fixture(scope="module")
def facts() -> StubFacts:
    return StubFacts(Typeshed((3, 11)))


@pytest.mark.parametrize(
    ("name", "releases", "managed"),
    [
        ("io.TextIOWrapper", ("close",), True),
        ("socket.socket", ("close", "shutdown"), True),
        ("ssl.SSLSocket", ("close", "shutdown"), True),
        ("tempfile.TemporaryDirectory", ("cleanup",), True),
        ("subprocess.Popen", ("terminate",), True),
        ("smtplib.SMTP", ("close", "quit"), True),
        ("sqlite3.Cursor", ("close",), False),
        ("sqlite3.Connection", ("close",), False),  # `with` commits and leaves it open
        ("multiprocessing.shared_memory.SharedMemory", ("close",), False),
    ],
)
def test_candidates(facts: StubFacts, name: str, releases: tuple[str, ...], managed: bool) -> None:
    found = facts.resource(name)
    assert found is not None
    assert (found.releases, found.context_managed) == (releases, managed)


def test_a_release_that_must_be_awaited_is_marked() -> None:
    class Open(StubFacts):
        def denied(self, name: str) -> str | None:
            return None

    found = Open(Typeshed((3, 11))).resource("contextlib.AsyncExitStack")
    assert found is not None
    assert found.awaited == {"aclose"}


@pytest.mark.parametrize(
    "name",
    [
        "io.BytesIO",
        "io.StringIO",
        "threading.Lock",
        "threading.RLock",
        "threading.BoundedSemaphore",
        "asyncio.Lock",
        "pathlib.Path",
        "contextlib.nullcontext",
        "contextlib.ExitStack",
        "collections.abc.Generator",
        "html.parser.HTMLParser",
        "xml.dom.minidom.Document",
        "builtins.memoryview",
        "builtins.dict",
        "tkinter.Button",
    ],
)
def test_classes_that_nobody_has_to_release(facts: StubFacts, name: str) -> None:
    assert facts.resource(name) is None


def test_denials_say_why(facts: StubFacts) -> None:
    assert "memory" in (facts.denied("io.BytesIO") or "")
    assert "locked section" in (facts.denied("threading.BoundedSemaphore") or "")
    assert facts.denied("socket.socket") is None
    assert facts.denied("logging.StreamHandler") is not None
    assert facts.denied("logging.FileHandler") is None  # a subclass that does open something


def test_every_denied_name_is_one_of_the_stubs() -> None:
    versions = [Typeshed(v) for v in ((3, 10), (3, 11), (3, 13))]
    for name in (*DENIED, *TRANSACTIONAL):
        assert name in {stubs.canonical(name) for stubs in versions}


@pytest.mark.parametrize(
    ("function", "position", "name"),
    [
        ("open", None, "_io.TextIOWrapper"),
        ("io.open", None, "_io.BufferedReader"),
        ("pathlib.Path.open", None, "_io.TextIOWrapper"),
        ("os.fdopen", None, "_io.TextIOWrapper"),
        ("socket.create_connection", None, "socket.socket"),
        ("socket.socketpair", 1, "socket.socket"),
        ("socket.socket.accept", 0, "socket.socket"),
        ("sqlite3.connect", None, "sqlite3.Connection"),
        ("tarfile.open", None, "tarfile.TarFile"),
        ("multiprocessing.Pool", None, "multiprocessing.pool.Pool"),
        ("multiprocessing.Pipe", 0, "multiprocessing.connection.Connection"),
        ("asyncio.open_connection", 1, "asyncio.streams.StreamWriter"),
        ("ssl.SSLContext.wrap_socket", None, "ssl.SSLSocket"),
        ("zipfile.ZipFile", None, "zipfile.ZipFile"),  # a class gives itself
    ],
)
def test_what_a_call_hands_over(
    facts: StubFacts, function: str, position: int | None, name: str
) -> None:
    assert (position, name) in {(r.position, r.resource.name) for r in facts.returned(function)}


@pytest.mark.parametrize("function", ["os.getcwd", "io.StringIO", "tempfile.mkstemp", "no.such"])
def test_what_hands_over_no_object(facts: StubFacts, function: str) -> None:
    assert facts.returned(function) == ()


def test_a_result_that_may_be_none_is_optional(facts: StubFacts) -> None:
    (found,) = facts.returned("tarfile.TarFile.extractfile") or (None,)
    assert found is not None
    assert found.optional
    assert not facts.returned("socket.create_connection")[0].optional


@pytest.mark.parametrize(
    ("function", "never"),
    [
        ("sys.exit", True),
        ("os._exit", True),
        ("os.abort", True),
        ("os.execv", True),
        ("exit", True),  # a variable whose class has a __call__ that never returns
        ("typing.assert_never", True),
        ("os.fork", False),
        ("print", False),
        ("no.such.function", False),
    ],
)
def test_functions_that_never_return(facts: StubFacts, function: str, never: bool) -> None:
    assert facts.never_returns(function) is never


def test_no_return_functions_of_a_module(facts: StubFacts) -> None:
    assert {"os.abort", "os._exit", "os.execvp"} <= set(facts.no_return_in("os"))
    assert facts.no_return_in("json") == ()


@pytest.mark.parametrize(
    ("name", "parameter", "position"),
    [
        ("io.TextIOWrapper", "buffer", 0),
        ("io.BufferedReader", "raw", 0),
        ("zipfile.ZipFile", "file", 0),
        ("gzip.GzipFile", "fileobj", 3),
        ("tarfile.TarFile", "fileobj", 2),
        ("contextlib.closing", "thing", 0),
    ],
)
def test_wrapper_parameters(facts: StubFacts, name: str, parameter: str, position: int) -> None:
    found = {p.name: p for p in facts.wrapper_parameters(name)}
    assert found[parameter].position == position
    assert found[parameter].classes


def test_constructors_without_streams_wrap_nothing(facts: StubFacts) -> None:
    assert facts.wrapper_parameters("threading.Thread") == ()
    assert facts.wrapper_parameters("tempfile.TemporaryDirectory") == ()


def test_what_a_module_offers(facts: StubFacts) -> None:
    assert {"socket.socket", "socket.SocketIO"} <= {r.name for r in facts.resources_in("socket")}
    assert "socket.create_connection" in facts.acquirers_in("socket")
    assert facts.resources_in("no.such.module") == ()


@pytest.mark.parametrize(
    "module", ["socket", "zipfile", "tarfile", "tempfile", "subprocess", "selectors", "mmap"]
)
def test_candidates_have_their_methods_at_run_time(facts: StubFacts, module: str) -> None:
    loaded = importlib.import_module(module)
    checked = 0
    for name in facts.typeshed.names(module) or ():
        found = facts.resource(f"{module}.{name}")
        real = getattr(loaded, name, None)
        if found is None or not isinstance(real, type):
            continue
        checked += 1
        assert all(callable(getattr(real, method)) for method in found.releases), name
    assert checked
