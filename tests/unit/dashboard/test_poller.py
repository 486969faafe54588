from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.dashboard.poller import Poller
from kimera_leakguard_native.dashboard.source import SourceRoots
from kimera_leakguard_native.errors import RuntimeUnavailable

if TYPE_CHECKING:
    from pathlib import Path


def site(file: str, line: int, verdict: str = "leak") -> dict[str, Any]:
    frame = {"file": file, "line": line, "function": "f"}
    return {
        "file": file,
        "line": line,
        "function": "f",
        "live_bytes": 1000,
        "growth_bytes_per_s": 10.0,
        "verdict": verdict,
        "confidence": 0.9,
        "stack": [frame],
        "evidence": "",
        "finding": None,
    }


class Agents:
    """Processes that answer as they are told."""

    def __init__(self) -> None:
        self.answers: dict[int, Any] = {}
        self.asked = 0

    def listed(self) -> list[int]:
        return sorted(self.answers)

    def ask(self, pid: int) -> dict[str, Any]:
        self.asked += 1
        answer = self.answers.get(pid)
        if answer is None:
            raise RuntimeUnavailable(f"process {pid} cannot be asked")
        return {
            "pid": pid,
            "process": {
                "time": float(self.asked),
                "name": f"p{pid}",
                "resident_bytes": 5,
                "headroom_bytes": 6,
            },
            "sites": {"sites": [dict(row) for row in answer], "seconds": 1.0, "samples": 1},
        }


def rounds(poller: Poller, count: int = 1) -> dict[str, Any]:
    async def main() -> None:
        for _ in range(count):
            await poller.round()

    asyncio.run(main())
    return poller.state()


def test_all_processes_are_shown() -> None:
    agents = Agents()
    agents.answers = {7: [site("a.py", 1)], 8: []}
    state = rounds(Poller(ask=agents.ask, listed=agents.listed), 3)
    assert [each["pid"] for each in state["processes"]] == [7, 8]
    first = state["processes"][0]
    assert len(first["history"]) == 3
    assert first["history"][0]["live"] == {"leak": 1000.0}


def test_a_process_that_ends_stays_for_a_while_and_says_so() -> None:
    agents = Agents()
    agents.answers = {7: [], 8: []}
    poller = Poller(ask=agents.ask, listed=agents.listed)
    rounds(poller)
    del agents.answers[7]
    state = rounds(poller)
    assert [(each["pid"], each["alive"]) for each in state["processes"]] == [(8, True), (7, False)]


def test_of_many_ended_processes_the_last_twenty_are_kept() -> None:
    agents = Agents()
    poller = Poller(ask=agents.ask, listed=agents.listed)
    for pid in range(100):
        agents.answers = {pid: []}
        rounds(poller)
    assert len(poller.state()["processes"]) == 21


def test_nonsense_from_a_process_is_passed_over() -> None:
    agents = Agents()
    agents.answers = {7: []}

    def ask(pid: int) -> dict[str, Any]:
        return {"pid": pid, "process": {"error": "broken"}}

    assert rounds(Poller(ask=ask, listed=agents.listed))["processes"] == []


def test_only_the_first_two_hundred_sites_have_their_stack() -> None:
    agents = Agents()
    agents.answers = {7: [site("a.py", n) for n in range(1000)]}
    (shown,) = rounds(Poller(ask=agents.ask, listed=agents.listed))["processes"]
    stacks = [bool(row["stack"]) for row in shown["sites"]["sites"]]
    assert stacks == [True] * 200 + [False] * 800


def test_a_finding_at_a_growing_line_is_joined(tmp_path: Path) -> None:
    leaky = tmp_path / "leaky.py"
    leaky.write_text("def f(path):\n    file = open(path)\n    return file.read()\n")
    outside = tmp_path.parent / "outside.py"
    outside.write_text(leaky.read_text())
    agents = Agents()
    agents.answers = {7: [site(str(leaky), 2), site(str(outside), 2)]}
    poller = Poller(ask=agents.ask, listed=agents.listed, roots=SourceRoots([tmp_path]))
    (shown,) = rounds(poller)["processes"]
    assert [row["finding"] for row in shown["sites"]["sites"]] == ["KLG101", None]
    assert shown["findings"][0]["path"]


def test_who_waits_is_woken_by_the_next_round() -> None:
    agents = Agents()
    agents.answers = {7: []}
    poller = Poller(ask=agents.ask, listed=agents.listed)

    async def main() -> tuple[bool, bool]:
        waiting = asyncio.create_task(poller.newer(0, 30))
        await asyncio.sleep(0)
        await poller.round()
        return await waiting, await poller.newer(poller.version, 0.05)

    assert asyncio.run(main()) == (True, False)
