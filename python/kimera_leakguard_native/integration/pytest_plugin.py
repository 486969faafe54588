"""pytest plugin: fails tests whose every run leaves memory behind.

`@pytest.mark.klg_no_leak` checks one test (or class, or module), `--klg` all of them. A checked
test is run some times to warm up and then many times more, its function-scoped fixtures anew each
time; a line of the application whose objects stay, from every repeat, fails it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kimera_leakguard_native import config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.model.site import SiteVerdict

MARK = "klg_no_leak"
REPEATS = 40
WARMUP = 3

_MAX_SITES = 5
_MAX_FRAMES = 4


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("klg", "leaks (kimera-leakguard-native)")
    group.addoption("--klg", action="store_true", help="check every test for leaks")
    group.addoption(
        "--klg-repeats", type=int, default=REPEATS, help=f"runs that are watched ({REPEATS})"
    )
    group.addoption("--klg-warmup", type=int, default=WARMUP, help=f"runs before these ({WARMUP})")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARK}(repeats={REPEATS}, warmup={WARMUP}): fail the test if each of its runs leaves"
        " memory behind",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a checked test many times, and report it once."""
    asked = _asked(item)
    if asked is None or config.disabled():
        return None
    from _pytest.runner import runtestprotocol

    from kimera_leakguard_native.errors import RuntimeUnavailable
    from kimera_leakguard_native.runtime.repeats import leaks_of_repeats

    warmup, repeats = asked
    reports: list[pytest.TestReport] = []

    def run_once() -> bool:
        # With its parent as the next one, only the fixtures of the test itself are torn down.
        _renew(item)
        reports[:] = runtestprotocol(item, log=False, nextitem=item.parent)  # type: ignore[arg-type]
        return all(report.passed for report in reports)

    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    leaks: list[SiteVerdict] | None = []
    problem = ""
    try:
        leaks = leaks_of_repeats(run_once, warmup=warmup, repeats=repeats)
    except RuntimeUnavailable as error:
        problem = str(error)
    if leaks is not None:
        # The last run tears down what the next item does not need.
        _renew(item)
        reports[:] = runtestprotocol(item, log=False, nextitem=nextitem)
    else:
        item.session._setupstate.teardown_exact(nextitem)  # noqa: SLF001 - as pytest's runner does
    _tell(item, reports, leaks or [], problem, repeats)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _asked(item: pytest.Item) -> tuple[int, int] | None:
    """Give warm-up and repeats of a test that is to be checked."""
    from kimera_leakguard_native.runtime.repeats import MIN_REPEATS

    mark = item.get_closest_marker(MARK)
    if mark is None and not item.config.getoption("--klg"):
        return None
    given: dict[str, Any] = dict(mark.kwargs) if mark else {}
    unknown = sorted(set(given) - {"repeats", "warmup"})
    if unknown or (mark and mark.args):
        raise pytest.UsageError(
            f"{item.nodeid}: {MARK} takes repeats= and warmup=, got {unknown or mark}"
        )
    repeats = given.get("repeats", item.config.getoption("--klg-repeats"))
    warmup = given.get("warmup", item.config.getoption("--klg-warmup"))
    if not isinstance(repeats, int) or repeats < MIN_REPEATS:
        raise pytest.UsageError(
            f"{item.nodeid}: repeats={repeats!r}: expected an int of {MIN_REPEATS} or more; fewer"
            " runs cannot tell a leak from a cache"
        )
    if not isinstance(warmup, int) or warmup < 0:
        raise pytest.UsageError(f"{item.nodeid}: warmup={warmup!r}: expected an int of 0 or more")
    return warmup, repeats


def _renew(item: pytest.Item) -> None:
    """Give a test fixtures of its own for another run, and forget what was captured of the last."""
    getattr(item, "_initrequest", lambda: None)()
    item._report_sections.clear()  # noqa: SLF001 - grows with each run otherwise


def _tell(
    item: pytest.Item,
    reports: list[pytest.TestReport],
    leaks: list[SiteVerdict],
    problem: str,
    repeats: int,
) -> None:
    for report in reports:
        if report.when == "call" and report.passed and leaks:
            report.outcome = "failed"
            report.longrepr = "\n".join(_lines(leaks, repeats))
        if report.when == "call" and problem:
            report.sections.append(("klg", f"not checked for leaks: {problem}"))
        item.ihook.pytest_runtest_logreport(report=report)


def _lines(leaks: list[SiteVerdict], repeats: int) -> Iterator[str]:
    yield f"every run of this test leaves memory behind ({repeats} runs, seen twice):"
    for site in leaks[:_MAX_SITES]:
        yield (
            f"{site.file}:{site.line}: {site.growth_bytes_per_s:.0f} bytes a run stay,"
            f" allocated in {site.function}"
        )
        yield f"    {site.evidence}"
        for frame in site.stack[1 : 1 + _MAX_FRAMES]:
            yield f"    called from {frame.file}:{frame.line} in {frame.function}"
    if len(leaks) > _MAX_SITES:
        yield f"and {len(leaks) - _MAX_SITES} more lines"
