from __future__ import annotations

import asyncio
import builtins
import concurrent.futures
import contextlib
import importlib
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimera_leakguard_native.analysis.exceptions import (
    ANYTHING,
    CANCELLED,
    GENERATOR_EXIT,
    Catch,
    ExceptionLattice,
    Route,
    builtin_exceptions,
)
from kimera_leakguard_native.analysis.typeshed import Typeshed

BUILTINS = sorted(builtin_exceptions())
STUBS = Typeshed()
LATTICE = ExceptionLattice(typeshed=STUBS)
MODULES = (
    "asyncio",
    "concurrent.futures",
    "configparser",
    "email.errors",
    "http.client",
    "io",
    "json",
    "queue",
    "shutil",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "tarfile",
    "urllib.error",
    "zipfile",
)


def test_builtins_agree_with_the_interpreter_on_every_pair() -> None:
    assert len(BUILTINS) > 60
    for name in BUILTINS:
        for base in (*BUILTINS, "object"):
            real = issubclass(getattr(builtins, name), getattr(builtins, base))
            assert LATTICE.is_subclass(name, base) is real, (name, base)
            assert LATTICE.is_subclass(f"builtins.{name}", base) is real


@pytest.mark.parametrize("module", MODULES)
def test_library_exceptions_agree_with_the_interpreter(module: str) -> None:
    loaded = importlib.import_module(module)
    classes = {
        name: value
        for name, value in vars(loaded).items()
        if isinstance(value, type)
        and issubclass(value, BaseException)
        and STUBS.class_of(f"{module}.{name}") is not None  # tarfile has undocumented ones
    }
    assert classes
    for name, value in classes.items():
        for base in BUILTINS:
            found = LATTICE.is_subclass(f"{module}.{name}", base)
            assert found is issubclass(value, getattr(builtins, base)), (module, name, base)
        for other, other_value in classes.items():
            found = LATTICE.is_subclass(f"{module}.{name}", f"{module}.{other}")
            assert found is issubclass(value, other_value), (module, name, other)


@pytest.mark.parametrize(
    "alias",
    [
        "IOError",
        "EnvironmentError",
        "WindowsError",
        "socket.error",
        "select.error",
        "os.error",
        "mmap.error",
        "builtins.OSError",
    ],
)
def test_aliases_of_oserror(alias: str) -> None:
    assert LATTICE.canonical(alias) == "OSError"
    assert LATTICE.handler_catches([alias], "ConnectionResetError") is Catch.ALWAYS
    assert LATTICE.handler_catches(["OSError"], alias) is Catch.ALWAYS


def test_cancellation_is_one_class_by_both_names() -> None:
    assert LATTICE.canonical("asyncio.CancelledError") == LATTICE.canonical(
        "asyncio.exceptions.CancelledError"
    )
    assert issubclass(asyncio.CancelledError, BaseException)
    own = LATTICE.is_subclass("concurrent.futures.CancelledError", CANCELLED)
    assert own is issubclass(concurrent.futures.CancelledError, asyncio.CancelledError)


@pytest.mark.parametrize("version", [(3, 10), (3, 11), (3, 13)])
def test_timeouts_became_one_class_in_3_11(version: tuple[int, int]) -> None:
    lattice = ExceptionLattice(typeshed=Typeshed(version))
    merged = version >= (3, 11)
    for name in ("concurrent.futures.TimeoutError", "asyncio.TimeoutError"):
        assert (lattice.canonical(name) == "TimeoutError") is merged
        caught = lattice.handler_catches(["OSError"], name, exact=True)
        assert caught is (Catch.ALWAYS if merged else Catch.NEVER)
    assert lattice.canonical("socket.timeout") == "TimeoutError"


@pytest.mark.parametrize("raised", [CANCELLED, GENERATOR_EXIT, "KeyboardInterrupt", "SystemExit"])
def test_except_exception_misses_what_is_not_an_exception(raised: str) -> None:
    assert LATTICE.handler_catches(["Exception"], raised) is Catch.NEVER
    assert LATTICE.handler_catches(["BaseException"], raised) is Catch.ALWAYS
    assert LATTICE.handler_catches(None, raised) is Catch.ALWAYS
    assert LATTICE.handler_catches(["ValueError", raised], raised) is Catch.ALWAYS


def test_siblings_are_known_not_to_be_caught() -> None:
    assert LATTICE.handler_catches(["KeyError"], "IndexError") is Catch.NEVER
    assert LATTICE.handler_catches(["ssl.SSLError"], "socket.gaierror") is Catch.NEVER
    assert LATTICE.handler_catches(["OSError"], "zipfile.BadZipFile") is Catch.NEVER
    assert LATTICE.handler_catches([], "ValueError") is Catch.NEVER


def test_a_subclass_handler_may_catch_what_a_call_raises_but_not_what_is_raised_here() -> None:
    assert LATTICE.handler_catches(["KeyError"], "LookupError") is Catch.MAYBE
    assert LATTICE.handler_catches(["KeyError"], "LookupError", exact=True) is Catch.NEVER
    # OSError(ENOENT, ...) makes a FileNotFoundError.
    with pytest.raises(FileNotFoundError):
        raise OSError(2, "no such file")
    assert LATTICE.handler_catches(["FileNotFoundError"], "OSError", exact=True) is Catch.MAYBE


def test_what_is_unknown_is_never_claimed() -> None:
    for unknown in ("?", "vendor.Error", "error"):
        assert LATTICE.is_subclass(unknown, "ValueError") is None
        assert LATTICE.is_subclass("ValueError", unknown) is None
        assert LATTICE.is_subclass(unknown, unknown) is True
        assert LATTICE.handler_catches(["Exception"], unknown) is Catch.MAYBE
        assert LATTICE.handler_catches([unknown], "ValueError") is Catch.MAYBE
        assert LATTICE.handler_catches([unknown, "ValueError"], "ValueError") is Catch.ALWAYS
        assert LATTICE.handler_catches(["BaseException"], unknown) is Catch.ALWAYS
    assert LATTICE.handler_catches(["Exception"], ANYTHING) is Catch.MAYBE


def test_classes_of_the_project() -> None:
    lattice = ExceptionLattice(
        {
            "app.Error": ["Exception"],
            "app.NotFound": ["app.Error", "KeyError"],
            "app.Network": ["app.Error", "socket.error"],
            "app.Foreign": ["vendor.Error"],
            "app.Mixed": ["app.Foreign", "ValueError"],
            "app.Loop": ["app.Loop2"],
            "app.Loop2": ["app.Loop"],
        },
        aliases={"app.api.Error": "app.Error", "app.a": "app.b", "app.b": "app.a"},
    )
    assert lattice.canonical("app.api.Error") == "app.Error"
    assert lattice.handler_catches(["app.api.Error"], "app.Network") is Catch.ALWAYS
    assert lattice.handler_catches(["OSError"], "app.Network") is Catch.ALWAYS
    assert lattice.handler_catches(["ValueError"], "app.Network") is Catch.NEVER
    assert lattice.handler_catches(["Exception"], "app.Foreign") is Catch.MAYBE
    assert lattice.handler_catches(["OSError"], "app.Mixed") is Catch.MAYBE
    assert lattice.handler_catches(["ValueError"], "app.Mixed") is Catch.ALWAYS
    # NotFound joins two siblings: a call that raises app.Error may raise it.
    assert lattice.handler_catches(["KeyError"], "app.Error") is Catch.MAYBE
    assert lattice.handler_catches(["KeyError"], "app.Error", exact=True) is Catch.NEVER
    assert lattice.is_subclass("app.Loop", "ValueError") is None
    assert lattice.is_subclass("app.a", "ValueError") is None


def test_clauses_are_tried_in_order() -> None:
    route = LATTICE.route
    assert route([["OSError"], ["Exception"]], "ValueError", exact=True) == Route((1,), False)
    assert route([["FileNotFoundError"], ["OSError"]], "OSError") == Route((0, 1), False)
    assert route([["Exception"], ["OSError"]], "OSError") == Route((0,), False)
    assert route([["Exception"]], CANCELLED) == Route((), True)
    assert route([["KeyError"], None], CANCELLED) == Route((1,), False)
    assert route([["vendor.Error"]], "ValueError") == Route((0,), True)


GROUPS = Typeshed((3, 12))


def test_star_clauses_take_naked_exceptions_as_plain_ones_do() -> None:
    lattice = ExceptionLattice(typeshed=GROUPS)
    assert lattice.star_handler_catches(["OSError"], "ConnectionError") is Catch.ALWAYS
    assert lattice.star_handler_catches(["KeyError"], "OSError", exact=True) is Catch.NEVER
    assert lattice.star_handler_catches(["Exception"], CANCELLED) is Catch.NEVER


def test_star_clauses_split_groups() -> None:
    lattice = ExceptionLattice(typeshed=GROUPS)
    assert lattice.star_handler_catches(["ValueError"], "ExceptionGroup") is Catch.MAYBE
    assert lattice.star_handler_catches(["Exception"], "ExceptionGroup") is Catch.ALWAYS
    assert lattice.star_handler_catches(["Exception"], "BaseExceptionGroup") is Catch.MAYBE
    assert lattice.star_handler_catches(["BaseException"], "BaseExceptionGroup") is Catch.ALWAYS
    assert lattice.star_handler_catches(["ExceptionGroup"], "ExceptionGroup") is Catch.NEVER
    assert lattice.handler_catches(["ValueError"], "ExceptionGroup") is Catch.NEVER
    assert lattice.route([["ValueError"], ["OSError"]], "ExceptionGroup", star=True) == (
        Route((0, 1), True)
    )


def _catches(handler: type, raised: type) -> bool:
    with contextlib.suppress(BaseException):
        try:
            raise raised.__new__(raised)
        except handler:
            return True
    return False


@given(st.sampled_from(BUILTINS), st.lists(st.sampled_from(BUILTINS), max_size=4))
def test_handlers_catch_what_they_catch_when_run(raised: str, handlers: list[str]) -> None:
    if raised.endswith("Group"):  # cannot be made without its leaves
        return
    real = any(_catches(getattr(builtins, h), getattr(builtins, raised)) for h in handlers)
    said = LATTICE.handler_catches(handlers, raised, exact=True)
    if said is not Catch.MAYBE:
        assert (said is Catch.ALWAYS) is real
    else:
        assert raised == "OSError"


@st.composite
def hierarchies(draw: st.DrawFn) -> dict[str, list[str]]:
    """Classes whose bases come earlier, or are builtin, or unknown."""
    known = ["Exception", "ValueError", "KeyError", "BaseException", "RuntimeError"]
    project: dict[str, list[str]] = {}
    for number in range(draw(st.integers(1, 7))):
        pool = [*known, *project, "?"]
        bases = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3, unique=True))
        project[f"p.C{number}"] = bases
    return project


@settings(deadline=None)
@given(hierarchies())
def test_any_hierarchy_agrees_with_real_classes(project: dict[str, list[str]]) -> None:
    """The unknown base is tried as each of several classes: an answer must hold for all."""
    lattice = ExceptionLattice(project)
    for unknown in (OSError, ValueError, LookupError, KeyboardInterrupt):
        real: dict[str, type] = {"?": unknown}
        for name in ("Exception", "ValueError", "KeyError", "BaseException", "RuntimeError"):
            real[name] = getattr(builtins, name)
        for name, bases in project.items():
            try:
                real[name] = type(name, tuple(real[b] for b in bases if b in real), {})
            except TypeError:  # no consistent order of bases, or layouts that conflict
                return
            if any(b not in real for b in bases):
                return
        for name in project:
            for base in set(real) - {"?"}:
                said = lattice.is_subclass(name, base)
                assert said is None or said is issubclass(real[name], real[base])


def test_an_answer_is_known_wherever_all_bases_are() -> None:
    lattice = ExceptionLattice({"p.A": ["ValueError"], "p.B": ["p.A", "KeyError"]})
    for name in ("p.A", "p.B"):
        for base in BUILTINS:
            assert lattice.is_subclass(name, base) is not None


def test_builtins_need_no_stubs() -> None:
    code = (
        "import sys\n"
        "from kimera_leakguard_native.analysis.exceptions import ExceptionLattice\n"
        "lattice = ExceptionLattice({'app.Error': ['ValueError']})\n"
        "lattice.handler_catches(['Exception', 'app.Error'], 'OSError')\n"
        "print('typeshed_client' in sys.modules, 'ssl' in sys.modules)\n"
        "lattice.handler_catches(['ssl.SSLError'], 'OSError')\n"
        "print('typeshed_client' in sys.modules, 'ssl' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["False False", "True False"]
