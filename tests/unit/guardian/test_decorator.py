"""`@analyze_for_leaks` keeps what a function is, and costs its calls next to nothing."""

from __future__ import annotations

import asyncio
import inspect
import statistics
import time
from typing import TYPE_CHECKING, Any

import pytest

from kimera_leakguard_native.guardian.decorator import analyze_for_leaks

if TYPE_CHECKING:
    from kimera_leakguard_native.guardian.guardian import KimeraMemoryLeakGuardian


@analyze_for_leaks
def plain(x: int, *, y: int = 1) -> int:
    """Add."""
    return x + y


@analyze_for_leaks
async def coroutine(x: int) -> int:
    await asyncio.sleep(0)
    return x


@analyze_for_leaks
def generator(n: int) -> Any:
    got = []
    try:
        for k in range(n):
            got.append((yield k))  # noqa: PERF401
    except ValueError:
        got.append("caught")
        yield "caught"
    return got


@analyze_for_leaks
async def async_generator(n: int, log: list[Any]) -> Any:
    try:
        for k in range(n):
            try:
                log.append((yield k))
            except ValueError:  # noqa: PERF203
                yield "caught"
    finally:
        log.append("closed")


class Engine:
    scale = 3

    @analyze_for_leaks
    def method(self, x: int) -> int:
        return self.scale * x

    @analyze_for_leaks
    @classmethod
    def on_class(cls, x: int) -> int:
        return cls.scale * x

    @classmethod
    @analyze_for_leaks
    def on_class_inside(cls, x: int) -> int:
        return cls.scale * x

    @analyze_for_leaks
    @staticmethod
    def static(x: int) -> int:
        return x

    @analyze_for_leaks
    def unsafe_method(self) -> str:
        return "unsafe"


def test_identity_is_kept() -> None:
    assert plain.__name__ == "plain"
    assert plain.__doc__ == "Add."
    assert plain.__module__ == __name__
    assert str(inspect.signature(plain)) == "(x: 'int', *, y: 'int' = 1) -> 'int'"
    assert plain.__wrapped__(1) == 2  # type: ignore[attr-defined]
    assert inspect.iscoroutinefunction(coroutine)
    assert inspect.isgeneratorfunction(generator)
    assert inspect.isasyncgenfunction(async_generator)
    assert Engine.method.__qualname__ == "Engine.method"


def test_calls_go_through() -> None:
    assert plain(1, y=5) == 6
    assert asyncio.run(coroutine(7)) == 7
    assert Engine().method(2) == 6
    assert Engine.on_class(2) == Engine().on_class_inside(2) == 6
    assert Engine.static(2) == Engine().static(2) == 2
    with pytest.raises(TypeError):
        plain()  # type: ignore[call-arg]


def test_generators_pass_on_what_is_sent_thrown_and_returned() -> None:
    running = generator(3)
    assert next(running) == 0
    assert running.send("a") == 1
    assert running.throw(ValueError()) == "caught"
    with pytest.raises(StopIteration) as end:
        next(running)
    assert end.value.value == ["a", "caught"]


def test_async_generators_pass_on_what_is_sent_and_thrown_and_are_closed() -> None:
    async def main() -> list[Any]:
        log: list[Any] = []
        running = async_generator(3, log)
        assert await running.asend(None) == 0
        assert await running.asend("a") == 1
        assert await running.athrow(ValueError()) == "caught"
        await running.aclose()
        with pytest.raises(StopAsyncIteration):
            await running.__anext__()
        assert [k async for k in async_generator(2, log)] == [0, 1]
        return log

    assert asyncio.run(main()) == ["a", "closed", None, None, "closed"]


def test_only_called_functions_are_analysed_and_only_once(
    guardian: KimeraMemoryLeakGuardian, analyzer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    @analyze_for_leaks
    def never_called() -> None: ...

    def made_again_and_again() -> Any:
        @analyze_for_leaks
        def inner() -> int:
            return 1

        return inner

    for _ in range(5):
        assert made_again_and_again()() == 1
    Engine().unsafe_method()
    assert analyzer.calls == []  # nothing on the hot path
    summaries = guardian.function_summaries
    assert "never_called" not in summaries
    assert summaries["unsafe_method"].is_memory_safe is False
    names = [name for _, name in analyzer.calls]
    assert names.count("inner") == 1
    count = len(names)
    guardian.generate_comprehensive_report()
    guardian.check()
    assert len(analyzer.calls) == count
    assert "Engine.unsafe_method can leak" in caplog.text


def test_a_function_without_source_is_left_out(
    guardian: KimeraMemoryLeakGuardian, analyzer: Any
) -> None:
    scope: dict[str, Any] = {"analyze_for_leaks": analyze_for_leaks}
    exec("@analyze_for_leaks\ndef typed_in():\n    return 4\n", scope)
    assert scope["typed_in"]() == 4
    assert "typed_in" not in guardian.function_summaries


def test_disabled_it_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLG_DISABLE", "1")

    def function() -> None: ...

    assert analyze_for_leaks(function) is function


def test_only_functions_can_be_decorated() -> None:
    with pytest.raises(TypeError, match="expected a Python function, got 5"):
        analyze_for_leaks(5)


def test_calls_stay_within_five_percent() -> None:
    def work() -> int:
        return sum(range(20_000))

    decorated = analyze_for_leaks(work)

    def time_of(function: Any) -> float:
        start = time.thread_time_ns()
        for _ in range(10):
            function()
        return time.thread_time_ns() - start

    # Short slices in changing order: a neighbour's burst then hits both sides alike.
    time_of(decorated)
    ratios = []
    for pair in range(150):
        if pair % 2:
            plain_time, decorated_time = time_of(work), time_of(decorated)
        else:
            decorated_time, plain_time = time_of(decorated), time_of(work)
        ratios.append(decorated_time / plain_time)
    assert statistics.median(ratios) < 1.05
