import pytest

from kimera_leakguard_native.analysis.exceptions import Catch
from kimera_leakguard_native.analysis.handlers import Handlers, is_broad


@pytest.mark.parametrize(
    ("types", "raised", "expected"),
    [
        (None, None, Catch.ALWAYS),
        (("builtins.Exception",), None, Catch.ALWAYS),
        (("builtins.Exception",), "asyncio.CancelledError", Catch.NEVER),
        (("builtins.OSError",), None, Catch.MAYBE),
        (("builtins.OSError",), "builtins.ValueError", Catch.NEVER),
        (("socket.error",), "builtins.OSError", Catch.ALWAYS),
        (("builtins.KeyboardInterrupt",), None, Catch.NEVER),
        ((None,), "builtins.OSError", Catch.MAYBE),
        (("builtins.Exception",), "elsewhere.Unheard", Catch.ALWAYS),
        (("builtins.OSError",), "elsewhere.Unheard", Catch.MAYBE),
        (("builtins.Exception",), "builtins.BaseException", Catch.MAYBE),
    ],
)
def test_handler_and_raised_class(types, raised, expected):
    assert Handlers().catches(types, raised) is expected


def test_only_handlers_of_nearly_everything_are_broad():
    assert is_broad(None)
    assert is_broad(("builtins.ValueError", "builtins.Exception"))
    assert not is_broad(("builtins.OSError",))


_CLASSES = {
    "pkg.errors.Broken": ("builtins.Exception",),
    "pkg.errors.Missing": ("pkg.errors.Broken",),
}


def _find(name):
    name = name.replace("pkg.Broken", "pkg.errors.Broken")
    return (name, _CLASSES[name]) if name in _CLASSES else None


@pytest.mark.parametrize(
    ("handler", "raised", "expected"),
    [
        ("pkg.errors.Broken", "pkg.errors.Missing", Catch.ALWAYS),
        ("pkg.Broken", "pkg.errors.Missing", Catch.ALWAYS),
        ("builtins.OSError", "pkg.errors.Missing", Catch.NEVER),
        ("pkg.errors.Missing", "builtins.OSError", Catch.NEVER),
        ("pkg.errors.Missing", "pkg.Broken", Catch.MAYBE),
    ],
)
def test_classes_of_the_project_are_looked_up_when_they_are_asked_for(handler, raised, expected):
    assert Handlers(_find).catches((handler,), raised) is expected
