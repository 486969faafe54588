"""Names by which classes release what they hold."""

from __future__ import annotations

import ast
import re

_STEMS = frozenset(
    {
        "close", "aclose", "stop", "shutdown", "terminate", "disconnect", "cleanup", "teardown",
        "release", "dispose", "destroy", "finalize", "unlink", "cancel", "abort", "quit", "kill",
        "detach", "free", "exit", "aexit", "del", "remove", "rmtree", "deinit", "uninit", "end",
        "finish", "logout", "closing",
    }
)  # fmt: skip
ENDINGS = _STEMS
"""Names of methods that may end an object of any class."""
_CLOSERS = frozenset(
    {
        "close", "aclose", "stop", "astop", "shutdown", "terminate", "disconnect", "teardown",
        "tear_down", "tearDown", "asyncTearDown", "teardown_method", "dispose", "destroy",
        "finalize", "server_close", "__exit__", "__aexit__", "__del__",
    }
)  # fmt: skip
_SOMETIMES = frozenset({"cleanup", "clean_up", "release", "quit", "kill", "abort", "end", "finish"})


def releases(name: str) -> bool:
    """Whether a callable's name says that it ends something, alone or as one of its words."""
    plain = name.strip("_").lower()
    if plain in _STEMS or plain in ("clean_up", "tear_down", "wait_closed"):
        return True
    return any(word in _STEMS for word in plain.split("_")) or plain.endswith(
        ("close", "cleanup", "shutdown")
    )


def is_closer(name: str) -> bool:
    """Whether a method of this name is where its class ends."""
    return name in _CLOSERS


def may_be_closer(name: str) -> bool:
    """Whether a method of this name is where its class ends, if it releases anything at all."""
    return name in _CLOSERS or name in _SOMETIMES


_RENEWING = (
    "reopen", "reconnect", "rotate", "rollover", "reset", "restart", "renew", "reload", "refresh",
    "recreate", "switch", "reinit", "replace",
)  # fmt: skip


def renews(name: str) -> bool:
    """Whether a method's name says that there was something before."""
    plain = name.strip("_").lower().replace("_", "")
    return plain.startswith(_RENEWING) or plain.endswith("rollover")


def says_nothing(node: ast.AST) -> bool:
    """Whether a body is empty, or only there to be overridden."""
    for item in getattr(node, "body", []):
        if isinstance(item, ast.Pass) or (
            isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant)
        ):
            continue
        if isinstance(item, ast.Raise):
            raised = item.exc.func if isinstance(item.exc, ast.Call) else item.exc
            return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
        return False
    return True


_ENDING = frozenset(
    {
        "close", "aclose", "stop", "shutdown", "terminate", "disconnect", "cleanup", "release",
        "dispose", "abort", "kill", "wait_closed", "clean_up", "quit", "logout",
    }
)  # fmt: skip


def ends_object(name: str) -> bool:
    """Whether a method of this name ends the object that it is called on."""
    plain = name.strip("_").lower()
    return plain in _ENDING or plain.startswith("close_") or plain.endswith("_close")


_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_FORMATS = frozenset(
    {"json", "yaml", "toml", "csv", "xml", "pickle", "plist", "html", "npz", "safe"}
)


def first_word(name: str) -> str:
    """Give the first word of a name in lower case, after that of a format (``json_dump``)."""
    words = (found.group().lower() for found in _WORD.finditer(name))
    return next((word for word in words if word not in _FORMATS), "")


_OWN_CLEANUP = (
    "close", "cleanup", "clean_up", "stop", "shutdown", "release", "dispose", "abort", "destroy",
    "disconnect", "terminate", "kill", "del", "exit", "finalize", "free",
)  # fmt: skip


def cleans_up(method: str) -> bool:
    """Whether a method that a constructor calls on its own object releases what it holds."""
    words = method.strip("_").lower()
    return any(
        words == name or words.startswith(f"{name}_") or words.endswith(f"_{name}")
        for name in _OWN_CLEANUP
    )
