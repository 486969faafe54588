"""Runs a program in a child interpreter, watches it, and outlives it.

The child writes what it samples into shared memory. Whatever ends it, an exit, `os._exit`, a signal
or a crash, the supervisor still has all of it.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native import _core
from kimera_leakguard_native.runtime.launch.children import Children
from kimera_leakguard_native.runtime.launch.order import VARIABLE, Order
from kimera_leakguard_native.runtime.launch.speaker import speaker
from kimera_leakguard_native.runtime.observation import Observation
from kimera_leakguard_native.runtime.process import resident

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kimera_leakguard_native.model.site import RunReport

_LOG = logging.getLogger(__name__)

_BOOTSTRAP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bootstrap")

_PRELOAD = os.path.join(os.path.dirname(str(_core.__file__)), "libklg_preload.so")

_FORWARDED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGCONT,
)

_FROM_KERNEL = 0x80  # si_code SI_KERNEL: the terminal, which signals the whole foreground group
_ECHO_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the child samples.

    Attributes
    ----------
    mean_bytes : float
        At the start; the guard widens it by powers of two.
    budget : float
        Share of the run's time that sampling may take before it is widened; 0 for never.
    credit_s : float
        Seconds it may take on top, once.
    interval : float
        Seconds between two readings.
    native : str
        How C allocations are seen: ``off``, ``got`` or ``preload``.
    follow_fork : bool
        Whether forked children are observed too.
    """

    mean_bytes: float
    budget: float
    credit_s: float
    interval: float
    native: str = "off"
    follow_fork: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the program ended and what was seen.

    Attributes
    ----------
    exit_code : int
        Its own, or 128 + n where signal n ended it.
    observed : bool
        Whether the sampler ran in it.
    """

    exit_code: int
    observed: bool
    report: RunReport


def run(
    arguments: Sequence[str],
    sampling: Sampling,
    keep: Callable[[RunReport], None] | None = None,
) -> Outcome:
    """Run ``python *arguments`` as it would run without us.

    Standard streams are the child's; signals sent to this process are passed on to it; it is killed
    when this process is.

    Parameters
    ----------
    arguments : sequence of str
        Of the interpreter.
    sampling : Sampling
        How the child samples.
    keep : callable, optional
        Gets how the run stands at each reading, or less often where that takes long. Forked
        children are not in it. It is not called again after an exception.
    """
    descriptor = _core.sampler.create_descriptor()
    capture = _core.sampler.Capture(descriptor)
    children = Children() if sampling.follow_fork else None
    blocked = {*_FORWARDED, signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    try:
        started = time.monotonic()
        pid = _spawn(arguments, sampling, descriptor, before, children.folder if children else "")
        os.close(descriptor)
        observation = Observation(capture, lambda: resident(pid))
        keeping = _Keeping(observation, keep)

        with speaker(pid, _name(arguments), observation) as lock:

            def poll() -> None:
                with lock:
                    observation.poll()
                    if capture.begun():
                        keeping.keep_if_due()
                if children is not None:
                    children.poll()

            status = _watch(pid, poll, sampling.interval, blocked)
        report = observation.report(ended=True)
        if children is not None:
            report = children.add_to(report)
        if not capture.begun():
            report.duration_s = time.monotonic() - started
        return Outcome(_exit_code(status), capture.begun(), report)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if children is not None:
            children.close()


def _name(arguments: Sequence[str]) -> str:
    words = [word for word in arguments if not word.startswith("-")]
    return os.path.basename(words[0]) if words else "python"


class _Keeping:
    """Hands on how the run stands, in a twentieth of the time at most."""

    def __init__(self, observation: Observation, keep: Callable[[RunReport], None] | None) -> None:
        self._observation = observation
        self._keep = keep
        self._due = 0.0

    def keep_if_due(self) -> None:
        began = time.monotonic()
        if self._keep is None or began < self._due:
            return
        try:
            self._keep(self._observation.report())
        except Exception as error:  # noqa: BLE001 - the program runs on, and ends with its report
            _LOG.warning("klg: how the run stands is not kept any more: %s", error)
            self._keep = None
        now = time.monotonic()
        self._due = now + 19.0 * (now - began)


def preload_unavailable_reason() -> str:
    """Say why the library of ``native="preload"`` cannot be put in front, or give ''."""
    if not os.path.isfile(_PRELOAD):
        return f"{_PRELOAD} is missing; install the package again"
    if any(separator in _PRELOAD for separator in " :"):
        return f"the path {_PRELOAD} has a space or a colon, which LD_PRELOAD cannot hold"
    return ""


def _spawn(
    arguments: Sequence[str],
    sampling: Sampling,
    descriptor: int,
    mask: set[signal.Signals | int],
    child_folder: str,
) -> int:
    os.set_inheritable(descriptor, True)
    environment = dict(os.environ)
    old = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = _BOOTSTRAP + (os.pathsep + old if old else "")
    preloaded = environment.get("LD_PRELOAD")
    if sampling.native == "preload":
        # First: what stands behind it, another allocator perhaps, is what its calls go on to.
        environment["LD_PRELOAD"] = _PRELOAD + (f":{preloaded}" if preloaded else "")
    environment[VARIABLE] = Order(
        descriptor,
        sampling.mean_bytes,
        sampling.budget,
        sampling.credit_s,
        os.getpid(),
        sampling.native,
        child_folder,
        "" if old is None else f"={old}",
        "" if preloaded is None else f"={preloaded}",
        str(_core.__file__),
    ).encode()
    # Without a terminal, a signal to the whole group comes from `timeout` and the like, and cannot
    # be told from one to us alone: in a group of its own the child gets either once, from us. At a
    # terminal it stays in ours, for job control.
    own_group: dict[str, Any] = {} if _has_terminal() else {"setpgroup": 0}
    return os.posix_spawn(
        sys.executable,
        [sys.executable, *_interpreter_flags(), *arguments],
        environment,
        **own_group,
        setsigmask=mask,
        # This interpreter ignores them, and that would be inherited.
        setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
    )


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _interpreter_flags() -> list[str]:
    """Give the options that this interpreter was started with, for the program's.

    Without those that isolate it, which are ours and not the program's: without `site` the sampler
    could not start. The environment is inherited anyway.
    """
    flags: list[str] = []
    words = iter(sys.orig_argv[1:])
    for word in words:
        if not word.startswith("-") or word == "-" or word.startswith(("-m", "-c")):
            break
        flags.append(word)
        if word in {"-W", "-X", "--check-hash-based-pycs"}:
            flags.append(next(words, ""))
    return [flag for flag in flags if flag not in {"-I", "-E", "-S", "-s", "-P"}]


def _watch(
    pid: int, poll: Callable[[], object], interval: float, signals: set[signal.Signals]
) -> int:
    """Wait for the child, polling and passing signals on; give its wait status."""
    due = time.monotonic() + min(interval, 0.1)
    passed_on: dict[int, float] = {}
    while True:
        info = signal.sigtimedwait(signals, max(0.0, due - time.monotonic()))
        if info is not None and info.si_signo != signal.SIGCHLD and info.si_code != _FROM_KERNEL:
            # `timeout` and shells signal the process and then its group: one echo is enough.
            now = time.monotonic()
            if now - passed_on.get(info.si_signo, -1.0) > _ECHO_SECONDS:
                passed_on[info.si_signo] = now
                os.kill(pid, info.si_signo)
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        if time.monotonic() >= due:
            poll()
            due = time.monotonic() + interval


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
