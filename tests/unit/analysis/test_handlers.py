import pytest

from kimera_leakguard_native.analysis.exceptions import Catch
from kimera_leakguard_native.analysis.handlers import catches, is_broad


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
    ],
)
def test_handler_and_raised_class(types, raised, expected):
    assert catches(types, raised) is expected


def test_only_handlers_of_nearly_everything_are_broad():
    assert is_broad(None)
    assert is_broad(("builtins.ValueError", "builtins.Exception"))
    assert not is_broad(("builtins.OSError",))
