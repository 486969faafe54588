"""Runs a twin against fake resources and sees what it leaves open."""

from __future__ import annotations

import ast
import builtins
import contextlib
import copy
import io
import itertools
import os
import sys
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

SOURCE_NAME = "<twin>"


@dataclass(frozen=True)
class Outcome:
    """What one call left behind.

    Attributes
    ----------
    leaked_lines : tuple of int
        Lines that acquired what was still open afterwards and was not handed to the caller.
    lines : frozenset of int
        Lines that were executed.
    """

    leaked_lines: tuple[int, ...]
    lines: frozenset[int]


class Handle:
    """Stands for a file, a socket or an archive; whatever is asked of it succeeds."""

    name = "fake"

    def __init__(self, ledger: Ledger, descriptor: int) -> None:
        self._ledger = ledger
        self._descriptor = descriptor

    def close(self) -> None:
        self._ledger.close(self._descriptor)

    def fileno(self) -> int:
        return self._descriptor

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, _: str) -> Any:
        return lambda *_arguments, **_keywords: ""


class Ledger:
    """Gives out fake resources and knows which are open, by descriptor."""

    def __init__(self) -> None:
        self._open: dict[int, int] = {}
        self._next = itertools.count(1000)
        fakes = {
            "os": SimpleNamespace(
                **{name: getattr(os, name) for name in dir(os) if name.startswith("O_")},
                path=os.path,
                open=lambda *_: self._descriptor(),
                dup=lambda _: self._descriptor(),
                pipe=lambda: (self._descriptor(), self._descriptor()),
                close=self.close,
                write=lambda _, data: len(data),
                fdopen=lambda descriptor, *_: Handle(self, descriptor),
            ),
            "socket": SimpleNamespace(
                socket=self._handle,
                create_connection=self._handle,
                socketpair=lambda: (self._handle(), self._handle()),
            ),
            "tempfile": SimpleNamespace(
                TemporaryFile=self._handle,
                NamedTemporaryFile=self._handle,
                mkstemp=lambda: (self._descriptor(), "fake"),
            ),
            "zipfile": SimpleNamespace(ZipFile=self._handle),
        }

        def import_fake(name: str, *arguments: Any) -> Any:
            return fakes.get(name) or __import__(name, *arguments)

        self.builtins = vars(builtins) | {
            "open": self._handle,
            "__import__": import_fake,
        }

    def close(self, descriptor: int) -> None:
        self._open.pop(descriptor, None)

    def leaked_lines(self, result: object) -> tuple[int, ...]:
        """Lines of what is open and not handed to the caller with the result."""
        given = {
            item.fileno() if isinstance(item, Handle) else item
            for item in (result if isinstance(result, (tuple, list)) else [result])
            if isinstance(item, (Handle, int))
        }
        return tuple(line for descriptor, line in self._open.items() if descriptor not in given)

    def forget(self) -> None:
        self._open.clear()

    def _handle(self, *_: object, **__: object) -> Handle:
        return Handle(self, self._descriptor())

    def _descriptor(self) -> int:
        frame = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != SOURCE_NAME:
            frame = frame.f_back
        descriptor = next(self._next)
        self._open[descriptor] = frame.f_lineno if frame else 0
        return descriptor


class Program:
    """One twin, loaded once and called often."""

    def __init__(self, source: str, call: str = "", inputs: str = "") -> None:
        self._ledger = Ledger()
        self._names: dict[str, Any] = {"__name__": "twin", "__builtins__": self._ledger.builtins}
        tree = ast.parse(source)
        exec(compile(tree, SOURCE_NAME, "exec"), self._names)  # our own page, never a stranger's
        self._ledger.forget()
        self._call = compile(call or _plain_call(tree), "<call>", "eval")
        self._choices = {name: self._values(expression) for name, expression in _split(inputs)}

    def inputs(self, known: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Give every combination of the values that the page names.

        A known value takes the place of a parameter's choices: by its name, by the name of an
        attribute of ``self`` that it was stored in, or as ``parameter.attribute``.
        """
        choices = {name: copy.deepcopy(values) for name, values in self._choices.items()}
        for name, value in (known or {}).items():
            owner, _, attribute = name.rpartition(".")
            if owner in ("", "self") and attribute in choices:
                choices[attribute] = [value]
            for item in choices.get(owner, ()):
                setattr(item, attribute, value)
        for values in itertools.product(*choices.values()):
            yield dict(zip(choices, values, strict=True))

    def run(self, arguments: Mapping[str, Any]) -> Outcome:
        self._ledger.forget()
        result = None
        lines: set[int] = set()
        with _recorded(lines), contextlib.suppress(Exception):  # twins raise what they like
            result = eval(self._call, self._names, copy.deepcopy(dict(arguments)))
        return Outcome(self._ledger.leaked_lines(result), frozenset(lines))

    def _values(self, expression: ast.expr) -> list[Any]:
        code = compile(ast.Expression(expression), "<inputs>", "eval")
        return list(eval(code, self._names | {"io": io, "SimpleNamespace": SimpleNamespace}))


@contextlib.contextmanager
def _recorded(lines: set[int]) -> Iterator[None]:
    """Note the lines of the twin that are executed; a tracer that was there comes back."""

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename != SOURCE_NAME:
            return None
        if event == "line":
            lines.add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def _split(inputs: str) -> list[tuple[str, ast.expr]]:
    found = []
    for part in filter(None, inputs.split("; ")):
        comparison = ast.parse(part, mode="eval").body
        if not (isinstance(comparison, ast.Compare) and isinstance(comparison.left, ast.Name)):
            msg = f"inputs are written 'name in values', not {part!r}"
            raise TypeError(msg)
        found.append((comparison.left.id, comparison.comparators[0]))
    return found


def _plain_call(tree: ast.Module) -> str:
    function = [node for node in tree.body if isinstance(node, ast.FunctionDef)][-1]
    return f"{function.name}({', '.join(argument.arg for argument in function.args.args)})"
