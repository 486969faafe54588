"""`@analyze_for_leaks`: marks functions to watch; all that is done about them is done later."""

from __future__ import annotations

import functools
import inspect
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from kimera_leakguard_native import config

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from types import CodeType

_F = TypeVar("_F")
_MOST = 10_000


class WatchedFunction:
    """A decorated function, and whether it has been called.

    Attributes
    ----------
    name, module, qualname : str
        As the function says.
    called : bool
        Only what has run is worth reading: an imported module may define much that never does.
    """

    __slots__ = ("_code", "called", "module", "name", "qualname")

    def __init__(self, function: Callable[..., Any], code: CodeType) -> None:
        self._code = code  # and not the function: a closure may be gone when its turn comes
        self.name: str = getattr(function, "__name__", "<function>")
        self.module: str = getattr(function, "__module__", None) or ""
        self.qualname: str = getattr(function, "__qualname__", self.name)
        self.called = False

    def source(self) -> str:
        """Read the source text.

        Raises
        ------
        OSError
            There is none: typed at a prompt, or compiled from a string.
        """
        return inspect.getsource(self._code)


# Equal code of two files compares equal: the file belongs to the key.
_watched: dict[tuple[str, CodeType], WatchedFunction] = {}
_lock = threading.Lock()


def watched_functions() -> list[tuple[tuple[str, CodeType], WatchedFunction]]:
    """Give every decorated function with its file and code, in the order of decoration."""
    with _lock:
        return list(_watched.items())


def analyze_for_leaks(target: _F) -> _F:
    """Have a function analysed for leaks, once, when somebody asks for the result.

    Decorating and calling read no source. Functions that have been called are analysed by a
    guardian's monitor, or when its `function_summaries` or report are read; an unsafe one is logged
    then. Where `kimera_leakguard_native.start` was called, the monitor also reports functions whose
    calls keep memory (`leak_reports`, with what the analysis says of them): the growth is that of
    the objects made within their calls, so the calls themselves cost no more.

    Functions, methods, class and static methods, coroutine functions, generators and asynchronous
    generators keep their kind and their identity (`functools.wraps`).

    With `KLG_DISABLE` set the target is returned as it is.
    """
    if config.disabled():
        return target
    if isinstance(target, (classmethod, staticmethod)):
        return type(target)(analyze_for_leaks(target.__func__))
    code = getattr(target, "__code__", None)
    if not callable(target) or code is None:
        raise TypeError(f"analyze_for_leaks: expected a Python function, got {target!r}")
    with _lock:
        key = (code.co_filename, code)
        state = _watched.get(key)
        if state is None:
            state = WatchedFunction(target, code)
            if len(_watched) < _MOST:
                _watched[key] = state
    return _wrap(target, state)  # type: ignore[no-any-return]


def _wrap(function: Any, state: WatchedFunction) -> Any:
    if inspect.iscoroutinefunction(function):
        return _wrap_coroutine(function, state)
    if inspect.isasyncgenfunction(function):
        return _wrap_async_generator(function, state)
    if inspect.isgeneratorfunction(function):
        return _wrap_generator(function, state)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        state.called = True
        return function(*args, **kwargs)

    return call


def _wrap_coroutine(function: Any, state: WatchedFunction) -> Any:
    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        state.called = True
        return await function(*args, **kwargs)

    return call


def _wrap_generator(function: Any, state: WatchedFunction) -> Any:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        state.called = True
        return (yield from function(*args, **kwargs))

    return call


def _wrap_async_generator(function: Any, state: WatchedFunction) -> Any:
    # What `yield from` does for generators, written out: there is no such form for these.
    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        state.called = True
        inner = function(*args, **kwargs)
        try:
            value = await inner.__anext__()
            while True:
                try:
                    sent = yield value
                except GeneratorExit:  # noqa: PERF203 - this is what is delegated
                    raise
                except BaseException as error:  # noqa: BLE001 - handed on, as it was thrown in
                    value = await inner.athrow(error)
                else:
                    value = await inner.asend(sent)
        except StopAsyncIteration:
            return
        finally:
            await inner.aclose()

    return call
