from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimera_leakguard_native.errors import RuntimeUnavailable
from kimera_leakguard_native.runtime.agent import client, protocol, server
from kimera_leakguard_native.runtime.agent.folder import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "sockets"
    monkeypatch.setenv(VARIABLE, str(folder))
    return folder


@pytest.fixture
def agent() -> Iterator[server.Agent]:
    made = server.Agent()
    made.provide("number", lambda: 42)
    made.provide("rows", lambda: [1, 2, 3])
    made.start()
    yield made
    made.stop()


def test_sections_are_answered_by_name(agent: server.Agent) -> None:
    assert client.ask(os.getpid(), ["number"]) == {"version": 1, "pid": os.getpid(), "number": 42}
    assert set(client.ask(os.getpid())) == {"version", "pid", "number", "rows"}
    assert "error" in client.ask(os.getpid(), ["nothing"])["nothing"]
    assert agent.failed == 0


def test_the_socket_is_nobody_elses(agent: server.Agent, folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(agent.path.stat().st_mode) == 0o600
    assert client.processes() == [os.getpid()]


def test_another_user_is_refused(agent: server.Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "peer_uid", lambda _: 12345)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(agent.path))
        connection.settimeout(5)
        assert connection.recv(1) == b""
    assert agent.refused == 1


@pytest.mark.parametrize("damage", ["open", "link"])
def test_a_folder_that_others_can_enter_is_refused(folder: Path, damage: str) -> None:
    if damage == "open":
        folder.mkdir(mode=0o700)
        folder.chmod(0o755)
    else:
        real = folder.with_name("elsewhere")
        real.mkdir(mode=0o700)
        folder.symlink_to(real)
    with pytest.raises(RuntimeUnavailable, match="mode 0700"):
        server.Agent().start()


def test_a_section_that_raises_is_an_error_of_its_own(agent: server.Agent) -> None:
    def broken() -> Any:
        raise KeyError("lost")

    agent.provide("broken", broken)
    answer = client.ask(os.getpid())
    assert "lost" in answer["broken"]["error"]
    assert answer["number"] == 42


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=64))
def test_whatever_is_sent_the_agent_goes_on(request: bytes) -> None:
    agent = server.Agent(os.getpid() + 10_000_000)
    agent.provide("number", lambda: 42)
    agent.start()
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(agent.path))
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        assert client.ask(agent.pid, ["number"])["number"] == 42
    finally:
        agent.stop()


def test_a_long_request_is_not_read(agent: server.Agent) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(agent.path))
        connection.sendall(struct.pack(">I", 2**31))
        connection.settimeout(5)
        assert connection.recv(1) == b""
    assert agent.failed == 1


def test_one_that_says_nothing_does_not_keep_the_others_out(
    agent: server.Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_PATIENCE_S", 0.2)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(str(agent.path))
        assert client.ask(os.getpid(), ["number"], timeout_s=10)["number"] == 42


def test_one_that_drips_does_not_keep_the_others_out(
    agent: server.Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_PATIENCE_S", 0.5)
    with socket.socket(socket.AF_UNIX) as slow:
        slow.connect(str(agent.path))
        slow.sendall(struct.pack(">I", 1000))
        deadline = time.monotonic() + 10
        while agent.failed == 0 and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                slow.sendall(b" ")
            time.sleep(0.1)
    assert agent.failed == 1
    assert client.ask(os.getpid(), ["number"])["number"] == 42


def test_an_answer_has_a_time_limit_as_a_whole() -> None:
    agent = server.Agent(os.getpid() + 20_000_000)
    agent.provide("slow", lambda: time.sleep(3))
    agent.start()
    start = time.monotonic()
    with pytest.raises(RuntimeUnavailable, match="gave no answer"):
        client.ask(agent.pid, ["slow"], timeout_s=0.3)
    assert time.monotonic() - start < 2.0
    agent.stop()


def test_stopping_is_quick_and_removes_the_socket() -> None:
    agent = server.Agent()
    agent.start()
    start = time.monotonic()
    agent.stop()
    agent.stop()
    assert time.monotonic() - start < 2
    assert not agent.path.exists()
    with pytest.raises(RuntimeUnavailable, match=r"klg\.start"):
        client.ask(os.getpid())


def test_a_socket_left_behind_is_replaced(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(folder / f"{os.getpid()}.sock"))
    left.close()
    agent = server.Agent()
    agent.provide("number", lambda: 1)
    agent.start()
    try:
        assert client.ask(os.getpid(), ["number"])["number"] == 1
    finally:
        agent.stop()


def test_a_forked_child_leaves_the_parent_s_socket_alone() -> None:
    own = server.agent()
    own.provide("number", lambda: 7)
    own.start()
    try:
        pid = os.fork()
        if pid == 0:
            os._exit(0 if server.agent() is not own and own._listener is None else 1)
        assert os.waitpid(pid, 0)[1] == 0
        assert client.ask(os.getpid(), ["number"])["number"] == 7
    finally:
        own.stop()


def test_no_thread_is_left(agent: server.Agent) -> None:
    agent.stop()
    assert all(thread.name != "klg-agent" for thread in threading.enumerate())
