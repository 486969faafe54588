"""A decorated function whose calls keep memory is reported, with what the analysis says of it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from kimera_leakguard_native.guardian import kept_by_calls
from kimera_leakguard_native.guardian.decorator import analyze_for_leaks
from kimera_leakguard_native.model.frame import Frame
from kimera_leakguard_native.model.guardian import LeakDetectionResult
from kimera_leakguard_native.model.site import SiteVerdict

if TYPE_CHECKING:
    from pathlib import Path

KEPT: list[bytes] = []

SERVICE = """
import asyncio, json, threading, time
import kimera_leakguard_native as klg
from kimera_leakguard_native import KimeraMemoryLeakGuardian, analyze_for_leaks

KEPT = [[] for _ in range(4)]
OWN = []

def remember_0(): KEPT[0].append(bytes(2000))
def remember_1(): KEPT[1].append(bytes(2000))
def remember_2(): KEPT[2].append(bytes(2000))
def remember_3(): KEPT[3].append(bytes(2000))

@analyze_for_leaks
def keeps():
    remember_0()

class Service:
    @analyze_for_leaks
    def keeps_in_thread(self):
        remember_1()

@analyze_for_leaks
async def keeps_later():
    await asyncio.sleep(0)
    remember_2()

@analyze_for_leaks
def keeps_between():
    yield 1
    remember_3()
    yield 2

@analyze_for_leaks
def keeps_itself():
    OWN.append([0] * 250)

@analyze_for_leaks
def keeps_nothing():
    return len([bytes(2000) for _ in range(20)])

def work(until):
    service = Service()
    while time.monotonic() < until:
        service.keeps_in_thread()
        time.sleep(0.01)

async def main(until):
    while time.monotonic() < until:
        await keeps_later()
        list(keeps_between())
        keeps()
        keeps_itself()
        keeps_nothing()
        await asyncio.sleep(0.01)

guardian = KimeraMemoryLeakGuardian()
klg.start(2048, agent=False)
until = time.monotonic() + 12
thread = threading.Thread(target=work, args=(until,))
thread.start()
asyncio.run(main(until))
thread.join()
guardian.check()
print(json.dumps({
    each.allocation_site.function_name: [each.allocation_site.size_bytes, each.fix_suggestions[0]]
    for each in guardian.leak_reports
    if each.leak_id.startswith("calls_")
}))
"""


def remember(size: int) -> None:
    KEPT.append(bytes(size))


@analyze_for_leaks
def keeps(size: int) -> None:
    remember(size)


@analyze_for_leaks
def keeps_nothing(size: int) -> int:
    return len(bytes(size))


@analyze_for_leaks
def never_called(size: int) -> None:
    remember(size)


def leak(*stack: Frame, growth: float = 1000.0) -> SiteVerdict:
    first = stack[0]
    return SiteVerdict(
        first.file, first.line, first.function, 5000, growth, "leak", 0.95, stack, "for sure"
    )


def frame(function: Any) -> Frame:
    code = function.__wrapped__.__code__
    return Frame(code.co_filename, code.co_firstlineno + 2, code.co_name)


def test_growth_is_summed_over_the_sites_in_the_calls() -> None:
    keeps(1)
    keeps_nothing(1)
    inner, other = Frame(__file__, 24, "remember"), Frame(__file__, 25, "remember")
    sites = [
        leak(inner, frame(keeps), frame(keeps)),
        leak(other, frame(keeps), growth=500.0),
        leak(inner, frame(never_called)),
        leak(inner),
    ]
    (report,) = kept_by_calls.reports_of(sites, lambda _key: None)
    assert report.leak_id.startswith(f"calls_{__name__}.keeps_")
    assert report.detection_result is LeakDetectionResult.CONFIRMED_LEAK
    assert report.allocation_site.size_bytes == 10_000
    assert report.allocation_site.function_name == "keeps"
    assert f"{1500 * 60 / 2**20:.2f} MiB a minute" in report.impact_assessment
    assert "could not be analysed" in report.fix_suggestions[0]


def test_a_line_outside_of_the_function_is_another_function_of_that_name() -> None:
    keeps(1)
    elsewhere = Frame(__file__, 1, "keeps")
    assert kept_by_calls.reports_of([leak(elsewhere)], lambda _key: None) == []


@pytest.mark.slow
def test_real_calls_are_watched(tmp_path: Path) -> None:
    script = tmp_path / "service.py"
    script.write_text(SERVICE)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    # A call keeps 2 kB, 11 s long, some 100 times a second; more slowly on a busy machine.
    for name in ("keeps", "Service.keeps_in_thread", "keeps_later", "keeps_between"):
        size, finding = found[name]
        assert 200_000 < size < 20_000_000, (name, found)
        assert "does not show what keeps them" in finding, (name, found)
    size, finding = found["keeps_itself"]
    assert 200_000 < size < 20_000_000, found
    assert "outlives it through a global" in finding, found
    assert set(found) == {
        *("keeps", "Service.keeps_in_thread", "keeps_later", "keeps_between", "keeps_itself")
    }
