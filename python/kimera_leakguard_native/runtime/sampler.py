"""The sampler of this process: start, look, stop."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import Any

from kimera_leakguard_native import _core, config
from kimera_leakguard_native.errors import ConfigError, LeakGuardError, RuntimeUnavailable
from kimera_leakguard_native.model.profile import HeapProfile
from kimera_leakguard_native.model.site import SiteVerdict  # noqa: TC001 - resolvable hints
from kimera_leakguard_native.runtime.observation import Observation
from kimera_leakguard_native.runtime.overhead import BUDGET, CREDIT_SECONDS, OVERHEAD_LIMIT
from kimera_leakguard_native.runtime.process import resident
from kimera_leakguard_native.runtime.snapshot import Snapshot

_LOG = logging.getLogger(__name__)

DEFAULT_SAMPLE_BYTES = 512 * 1024
POLL_SECONDS = 1.0
LOOK_SHARE = 1 / 20
"""Of the run so far, between two looks for what is suspicious; never less than `LOOK_SECONDS`."""
LOOK_SECONDS = 10.0
FINER = 8.0
"""How much finer than the first mean a suspicion may make it, down to `FINEST_MEAN`."""
FINEST_MEAN = 16 * 1024.0


class _Watch:
    """Polls an observation, so that deaths are counted before the recorder forgets them."""

    def __init__(self, observation: Observation, *, agent: bool) -> None:
        self.observation = observation
        self._with_agent = agent
        self.lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="klg-sampler", daemon=True)
        self._next_look = LOOK_SECONDS

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        if self._with_agent:
            _start_agent()  # here, so that nobody waits for it
        try:
            while not self._stop.wait(POLL_SECONDS):
                _core.sampler.refresh_native()
                _core.sampler.look_at_c_heap()
                with self.lock:
                    self._look(self.observation.poll())
        except Exception:  # noqa: BLE001 - a monitor must never take the host down
            _LOG.exception("polling the sampler failed; deaths go uncounted from here on")

    def _look(self, totals: dict[str, Any]) -> None:
        seconds, finer = totals["seconds"], max(FINEST_MEAN, totals["first_mean_bytes"] / FINER)
        if totals["budget"] <= 0.0 or totals["mean_bytes"] <= finer or seconds < self._next_look:
            return
        self._next_look = seconds + max(LOOK_SECONDS, LOOK_SHARE * seconds)
        if self.observation.suspicious():
            _core.sampler.ask_for_mean(finer)


def _start_agent() -> None:
    try:
        from kimera_leakguard_native.runtime.agent.own import start_own_agent

        start_own_agent()
    except Exception as error:  # noqa: BLE001 - sampling is of use without it
        _LOG.warning("no agent, so `klg snapshot` will not find this process: %s", error)


def _stop_agent() -> None:
    # A fork in the middle of the import leaves half a module behind.
    server = sys.modules.get("kimera_leakguard_native.runtime.agent.server")
    agent = getattr(server, "agent", None)
    if agent is not None:
        agent().stop()


class _Current:
    """The one sampling of this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.watch: _Watch | None = None

    def forget(self) -> None:
        # A forked child has no poller, and threads that it lacks may hold its copies of the locks.
        self.__init__()  # type: ignore[misc]


_current = _Current()
os.register_at_fork(after_in_child=_current.forget)


def start(
    sample_bytes: int = DEFAULT_SAMPLE_BYTES,
    native: str = "off",
    *,
    agent: bool = True,
    budget: float = BUDGET,
) -> None:
    """Begin to sample the allocations of this process.

    Parameters
    ----------
    sample_bytes : int
        Mean number of allocated bytes between two samples.
    native : str
        ``off``, or ``got``: see allocations of C extensions and array data too, by writing our
        hooks into the import tables of the loaded modules. The process keeps the library of the
        hooks for good; `stop` puts the tables back. Calls of functions that were looked up by
        name (`ctypes`) stay unseen: `klg run --preload` sees all.
    agent : bool
        Open the socket through which `klg snapshot` and `klg dashboard` ask this process.
    budget : float
        Share of the time, up to 0.05, that taking samples may cost over the run; where it costs
        more, the mean is widened by a power of two. Where a site looks as if it leaked and has
        too few samples to say so, the mean is made finer, up to eightfold, as far as half of the
        budget goes. 0 switches both off: the mean is fixed then. The hooks' own
        cost, which no mean changes, comes on top; `LeakDetectionPerformanceMonitor` measures both.

    Raises
    ------
    ConfigError
        A value that cannot be used.
    RuntimeUnavailable
        The hooks cannot work in this interpreter; the message says why.
    LeakGuardError
        The sampler is running already.
    """
    if isinstance(sample_bytes, bool) or not isinstance(sample_bytes, int) or sample_bytes < 1:
        raise ConfigError(f"sample_bytes={sample_bytes!r}: expected a positive int")
    if native not in {"off", "got"}:
        raise ConfigError(f"native={native!r}: expected 'off' or 'got'")
    if isinstance(budget, bool) or not isinstance(budget, (int, float)):
        raise ConfigError(f"budget={budget!r}: expected a number")
    if not 0.0 <= budget <= OVERHEAD_LIMIT:
        raise ConfigError(f"budget={budget!r}: expected 0 (no guard) to {OVERHEAD_LIMIT:g}")
    if config.disabled():
        return
    reason = _core.sampler.unavailable_reason() or _core.sampler.native_unavailable_reason(native)
    if reason:
        raise RuntimeUnavailable(f"the sampler cannot run here: {reason}")
    with _current.lock:
        if _core.sampler.recording():
            raise LeakGuardError("the sampler is already running; call klg.stop() first")
        _core.sampler.start(
            mean_bytes=float(sample_bytes),
            budget=float(budget),
            credit_s=CREDIT_SECONDS,
            native=native,
        )
        _current.watch = _Watch(Observation(_core.sampler.own_capture(), resident), agent=agent)
        _current.watch.start()


def stop() -> None:
    """End the sampling; what was seen can still be asked for. Does nothing if it is not running."""
    with _current.lock:
        _core.sampler.stop()
        if _current.watch is not None:
            _current.watch.stop()
            _stop_agent()


def snapshot() -> Snapshot:
    """Give the live memory of this process by site, the largest first.

    Empty when the sampler was never started.
    """
    with _current.lock:
        if _current.watch is None:
            return Snapshot(0.0, 0.0, 0, 0.0, 0.0, 0.0, ())
        with _current.watch.lock:
            return _current.watch.observation.snapshot()


def heap_profile() -> HeapProfile:
    """Give what each stack of this process has allocated and holds, for `exporters.pprof`.

    Empty when the sampler was never started.
    """
    with _current.lock:
        if _current.watch is None:
            return HeapProfile(0.0, 0.0)
        with _current.watch.lock:
            return _current.watch.observation.profile()


def verdicts() -> list[SiteVerdict]:
    """Judge the sites of this process by the ages of their objects, the fastest growing first."""
    with _current.lock:
        if _current.watch is None:
            return []
        with _current.watch.lock:
            return _current.watch.observation.verdicts()
