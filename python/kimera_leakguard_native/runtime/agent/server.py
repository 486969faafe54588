"""The agent of a process: answers who may ask, on a thread of its own."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.model.sections import SECTIONS
from kimera_leakguard_native.runtime.agent import protocol
from kimera_leakguard_native.runtime.agent.folder import private_folder, socket_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LOG = logging.getLogger(__name__)
_PATIENCE_S = 5.0


class Agent:
    """Serves sections of plain data by name.

    The socket is in a folder of mode 0700, and the other end's user is checked: it must be the
    process's own, or root. One connection is served at a time; one whose request is not whole
    within five seconds is closed. A section that raises is an error for who asked, and nothing
    else.

    Parameters
    ----------
    pid : int, optional
        Process that it speaks for; its own by default.
    sections : dict, optional
        What it can say, by name; `provide` adds to it. Empty by default.
    """

    def __init__(
        self, pid: int | None = None, sections: dict[str, Callable[[], Any]] | None = None
    ) -> None:
        self.pid = os.getpid() if pid is None else pid
        self.refused = 0
        self.failed = 0
        self._sections = {} if sections is None else sections
        self._only_by_name: set[str] = set()
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None

    @property
    def path(self) -> Path:
        """Where the socket is."""
        return socket_path(self.pid)

    def provide(self, name: str, section: Callable[[], Any], *, only_by_name: bool = False) -> None:
        """Answer a question of this name with what the function gives.

        Parameters
        ----------
        only_by_name : bool
            Leave it out where somebody asks for everything: it is large, or takes long.
        """
        self._sections[name] = section
        if only_by_name:
            self._only_by_name.add(name)

    def start(self) -> None:
        """Begin to serve; idempotent.

        Raises
        ------
        RuntimeUnavailable
            There is no folder for the socket that is this user's alone.
        """
        if self._thread is not None:
            return
        private_folder()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with contextlib.suppress(FileNotFoundError):
                self.path.unlink()  # of an earlier process with this number
            listener.bind(str(self.path))
            self.path.chmod(0o600)
            listener.listen(8)
        except OSError:
            listener.close()
            raise
        self._listener = listener
        self._thread = threading.Thread(
            target=self._serve, args=(listener,), name="klg-agent", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End at once, and remove the socket."""
        listener, self._listener = self._listener, None
        thread, self._thread = self._thread, None
        if listener is None:
            return
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        listener.close()
        with contextlib.suppress(OSError):
            self.path.unlink()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def abandon(self) -> None:
        """Forget the socket in a forked child: it is the parent's, and stays."""
        listener, self._listener, self._thread = self._listener, None, None
        if listener is not None:
            listener.close()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # stopped
            with connection:
                try:
                    self._answer(connection)
                except Exception as error:  # noqa: BLE001 - who asks wrongly must not end the agent
                    self.failed += 1
                    if self.failed == 1:
                        _LOG.warning("a question to the agent failed: %r", error)

    def _answer(self, connection: socket.socket) -> None:
        if protocol.peer_uid(connection) not in (os.getuid(), 0):
            self.refused += 1
            return
        deadline = time.monotonic() + _PATIENCE_S
        request = protocol.receive(connection, protocol.LONGEST_REQUEST, deadline)
        names = request.get("ask", []) if isinstance(request, dict) else []
        if not isinstance(names, list):
            protocol.send(connection, {"error": "ask: expected a list of names"})
            return
        everything = [name for name in self._sections if name not in self._only_by_name]
        wanted = [str(name) for name in names] or everything
        answer: dict[str, Any] = {"version": 1, "pid": self.pid}
        for name in wanted:
            section = self._sections.get(name)
            answer[name] = _safely(name, section) if section else {"error": f"no section {name!r}"}
        connection.settimeout(_PATIENCE_S)
        protocol.send(connection, answer)


def _safely(name: str, section: Callable[[], Any]) -> Any:
    try:
        return section()
    except Exception as error:  # noqa: BLE001 - the other sections are worth an answer
        _LOG.warning("section %s: %r", name, error)
        return {"error": repr(error)}


class _Current:
    """The one agent of this process."""

    agent: Agent | None = None

    def forget(self) -> None:
        if self.agent is not None:
            self.agent.abandon()
            self.agent = None


_current = _Current()
os.register_at_fork(after_in_child=_current.forget)


def agent() -> Agent:
    """Give the agent of this process, made when it is first asked for."""
    if _current.agent is None:
        _current.agent = Agent(sections=SECTIONS)
    return _current.agent
