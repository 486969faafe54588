"""Print how soon the dashboard shows something in Chromium, and how soon all of it.

    python bench/first_paint.py [--sites 10000] [--runs 5]

The dashboard is served as `klg dashboard` serves it, over one process whose answers are made up:
that many sites, each with a stack of 25 calls, and a day of history. Each run is a new page in a
new profile. First paint is what the browser reports of itself; drawn is when every chart and table
is there. Needs selenium, chromium and chromedriver, and the extra `dashboard`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import tempfile
import threading
import time
from typing import Any

import uvicorn
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from kimera_leakguard_native.dashboard.app import make_app
from kimera_leakguard_native.dashboard.poller import Poller

DAY_MINUTES = 24 * 60
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1400,1600")
VERDICTS = ("leak", "warm-up", "bounded", "undecided")


class Process:
    """Answers as an agent would, at a time of its own."""

    def __init__(self, sites: int) -> None:
        self.now = time.time() - 60.0 * DAY_MINUTES
        self.sites: list[dict[str, Any]] = []
        self._count = sites

    def fill(self) -> None:
        """Have all sites from now on."""
        stack = [{"file": f"/srv/app/part{k}.py", "line": k, "function": "f"} for k in range(25)]
        self.sites = [
            {
                "file": f"/srv/app/module_{n}.py",
                "line": n % 900 + 1,
                "function": f"function_{n}",
                "live_bytes": 1_000_000 - 50 * n,
                "growth_bytes_per_s": 5000.0 / (n + 1),
                "verdict": VERDICTS[n % 4],
                "confidence": 0.9,
                "stack": stack,
                "evidence": "427 of 431 that grew old are alive",
                "finding": None,
            }
            for n in range(self._count)
        ]

    def ask(self, pid: int) -> dict[str, Any]:
        """Give the answer of an agent."""
        self.now += 60.0
        about = {"pid": pid, "name": "service.py", "time": self.now}
        memory = {"resident_bytes": 5e8 + self.now % 86400 * 1e3, "headroom_bytes": 8e9}
        sites = {
            "seconds": 86400.0,
            "samples": 10**6,
            "mean_bytes": 524288.0,
            "allocated_bytes": 1e12,
            "live_bytes": 4e8,
            "sites": [dict(site) for site in self.sites],
        }
        return {"version": 1, "pid": pid, "process": {**about, **memory}, "sites": sites}


async def filled(process: Process) -> Poller:
    """Give a poller that has asked for a day."""
    poller = Poller([4711], interval=3600.0, ask=process.ask)
    for _ in range(DAY_MINUTES - 1):
        await poller.round()
    process.fill()
    await poller.round()
    return poller


def opened(url: str, sites: int) -> tuple[float, float]:
    """Open the page in a new browser; give seconds to the first paint and to everything drawn."""
    with tempfile.TemporaryDirectory() as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or "chromium"
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        browser = webdriver.Chrome(
            options=options, service=Service(shutil.which("chromedriver") or "chromedriver")
        )
        try:
            began = time.monotonic()
            browser.get(url)
            while browser.execute_script("return document.body.dataset.drawn") != "1":
                if time.monotonic() - began > 120:
                    raise AssertionError("the page was not drawn within two minutes")
                time.sleep(0.02)
            drawn = time.monotonic() - began
            paints = browser.execute_script(
                "return JSON.stringify(performance.getEntriesByType('paint'))"
            )
            state = browser.execute_script("return fetch('/state').then(answer => answer.json())")
        finally:
            browser.quit()
    known = state["processes"][0]
    if len(known["sites"]["sites"]) < sites or len(known["history"]) < DAY_MINUTES:
        raise AssertionError("the page was not given all sites and the whole day")
    first = {each["name"]: each["startTime"] for each in json.loads(paints)}
    return first["first-contentful-paint"] / 1e3, drawn


def main() -> None:
    """Print medians and spreads."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sites", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    poller = asyncio.run(filled(Process(arguments.sites)))
    server = uvicorn.Server(uvicorn.Config(make_app(poller), port=0, log_level="critical"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    runs = [opened(f"http://127.0.0.1:{port}/", arguments.sites) for _ in range(arguments.runs)]
    for name, figures in zip(("first paint", "drawn"), zip(*runs, strict=True), strict=True):
        median = statistics.median(figures)
        print(
            f"{name}: {median:.2f} s (min {min(figures):.2f}, max {max(figures):.2f},"
            f" {len(figures)} runs, {arguments.sites} sites, {DAY_MINUTES} points of history)"
        )
    server.should_exit = True


if __name__ == "__main__":
    main()
