"""The dashboard in a real browser, fed by real processes."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from browser import chromium, until
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


HOSTILE = 'app"><img src=x onerror="document.title=1">&amp;<b>.py'

SERVICE = """
import resource, sys, time
import kimera_leakguard_native as klg
from kimera_leakguard_native.integration.agent_sections import provide_sections
from kimera_leakguard_native.runtime.agent.server import agent

class Reader:
    def __init__(self, path, number):
        self.file = open(path)
        if number >= 0:
            raise OSError(path)

def load(number):
    return Reader(__file__, number)

resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
klg.start(sample_bytes=2048)
integrator = klg.get_leak_detection_integrator()
pool = klg.LeakSafeGPUMemoryPool(max_concurrent_fields=50)
held = [pool.lease(f"g{n}") for n in range(3)]
provide_sections(agent(), integrator, klg.AutomatedLeakRecovery(integrator))
namespace = {}
exec(compile("def odd(kept):\\n    kept.append(bytearray(3000))\\n", %r, "exec"), namespace)
kept, errors = [], []
while True:
    for _ in range(10):
        namespace["odd"](kept)
    try:
        load(len(errors))
    except OSError as error:
        errors.append(error)
    integrator.check_components()
    time.sleep(0.02)
"""


def start_service(folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    script = folder / "service.py"
    script.write_text(SERVICE % HOSTILE)
    return subprocess.Popen([sys.executable, "-W", "ignore", str(script)], env=environment)


class Dashboard:
    """`klg dashboard` as a process that can be started again on its port."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        self._environment = environment
        self._arguments = arguments
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port: int = listener.getsockname()[1]
        self.url = ""
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kimera_leakguard_native", "dashboard", "--interval", "0.5",
             "--port", str(self.port), *self._arguments],
            env=self._environment, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://")

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(20)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("agents") / "sockets"
    return {**os.environ, "KLG_AGENT_DIR": str(folder)}


@pytest.fixture(scope="module")
def services(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[int]]:
    folder = tmp_path_factory.mktemp("services")
    with start_service(folder, environment) as one, start_service(folder, environment) as two:
        yield sorted([one.pid, two.pid])
        one.kill()
        two.kill()


@pytest.fixture
def dashboard(
    environment: dict[str, str], services: list[int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Dashboard]:
    assert services
    made = Dashboard(environment, "--source-root", str(tmp_path_factory.getbasetemp()))
    made.start()
    yield made
    made.stop()


def text(browser: Any, selector: str) -> str:
    found: str = browser.execute_script(
        "const e = document.querySelector(arguments[0]); return e ? e.innerText : ''", selector
    )
    return found


def press(browser: Any, selector: str, key: str) -> None:
    """Press a key where the focus is then: the element itself is redrawn with each state."""
    browser.execute_script("document.querySelector(arguments[0]).focus()", selector)
    ActionChains(browser).send_keys(key).perform()


def test_it_loads_updates_and_survives_a_restart(
    dashboard: Dashboard, services: list[int], tmp_path: Path
) -> None:
    with chromium(tmp_path / "profile") as browser:
        browser.get(dashboard.url)
        assert until(lambda: all(str(pid) in text(browser, "#processes") for pid in services))
        assert until(lambda: "odd" in text(browser, "#sites"))

        # What a process says is text: the hostile file name made no element and ran nothing.
        assert HOSTILE in text(browser, "#sites")
        assert browser.execute_script("return document.querySelectorAll('main img').length") == 0
        assert browser.title != "1"
        labels = until(lambda: text(browser, "#icicle"))
        assert "odd" in labels

        # It goes on by itself.
        drawn = int(browser.execute_script("return document.body.dataset.drawn"))
        assert until(
            lambda: int(browser.execute_script("return document.body.dataset.drawn")) > drawn + 2
        )
        assert "3 of 50" in text(browser, "#pools")
        assert "gpu_memory_pool" in text(browser, "#components")
        assert until(lambda: "No exhaustion" in text(browser, "#forecast-text"))

        # By keyboard: the other process, then a site with its stack and source.
        selected = '#processes [aria-selected="true"]'
        before = text(browser, selected)
        browser.execute_script(
            "document.querySelector(arguments[0]).focus()", selected
        )  # it is redrawn
        browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
        assert until(lambda: text(browser, selected) not in ("", before))
        press(browser, "#sites tbody tr", Keys.ENTER)
        assert until(lambda: "confidence" in text(browser, "#detail"))

        dashboard.stop()
        assert until(lambda: "connection lost" in text(browser, "#connection"))
        dashboard.start()
        assert until(lambda: text(browser, "#connection") == "live")

        own = [
            entry["message"]
            for entry in browser.get_log("browser")
            if re.search(r"/assets/(page|tables|icicle)\.js", entry["message"])
        ]
        assert own == []
        asked = browser.execute_script(
            "return performance.getEntriesByType('resource').map((entry) => entry.name)"
        )
        assert asked
        assert all(name.startswith((dashboard.url, "data:")) for name in asked)


def test_a_finding_is_joined_to_its_growing_site(dashboard: Dashboard, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile", "--force-dark-mode") as browser:
        browser.get(dashboard.url)
        assert until(lambda: "KLG" in text(browser, "#sites"), 60), text(browser, "#sites")
        assert "stored" in text(browser, "#findings") or "KLG" in text(browser, "#findings")


def request(url: str, **headers: str) -> tuple[int, str]:
    asked = urllib.request.Request(
        url, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_attacks_get_nothing(dashboard: Dashboard, services: list[int]) -> None:
    url = dashboard.url
    assert until(lambda: str(services[0]) in request(url + "state")[1])
    assert request(url + "state", Host="evil.example")[0] == 421
    assert request(url + "state", Origin="http://evil.example")[0] == 403
    for path in ("assets/../../../../etc/passwd", "assets/%2e%2e%2fpage.py", "assets/page.html"):
        status, body = request(url + path)
        assert status == 404
        assert "root:" not in body
    for file in ("/etc/passwd", __file__, "../../etc/passwd"):
        assert request(f"{url}source?file={file}&line=1")[0] == 404
    assert request(url + "source?file=x&line=many")[0] == 400


def test_slow_readers_and_a_flood_do_not_stop_it(dashboard: Dashboard) -> None:
    port = dashboard.port
    slow = []
    for _ in range(40):
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        connection.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")  # and never reads
        slow.append(connection)
    try:
        codes = [request(dashboard.url + "state")[0] for _ in range(100)]
        assert codes == [200] * 100
    finally:
        for connection in slow:
            connection.close()
    assert until(lambda: request(dashboard.url + "state")[0] == 200)


def test_a_token_is_needed_elsewhere(environment: dict[str, str], services: list[int]) -> None:
    dashboard = Dashboard(environment, "--host", "0.0.0.0")
    dashboard.start()
    try:
        token = dashboard.url.partition("?token=")[2]
        assert len(token) >= 16
        url = f"http://127.0.0.1:{dashboard.port}/"
        assert request(url)[0] == 401
        assert request(url, Authorization="Bearer wrong-wrong-wrong")[0] == 401
        assert request(url, Authorization=f"Bearer {token}")[0] == 200
    finally:
        dashboard.stop()


def test_a_port_that_is_taken_is_said(dashboard: Dashboard, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kimera_leakguard_native", "dashboard", "--port",
         str(dashboard.port)],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "--port 0" in done.stderr
