"""Memory of CuPy's pool by line, from a memory hook.

CuPy keeps hooks by thread: each thread that allocates enters its own, and all share one ledger.
CuPy is looked at only where the program has imported it. Not verified on a GPU.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from kimera_leakguard_native.faults import note_fault
from kimera_leakguard_native.gpu.device_memory import DeviceMemory
from kimera_leakguard_native.gpu.ledger import Ledger

_ledgers: dict[int, Ledger] = {}


def memory_hook(base: type | None = None) -> Any:
    """Make a hook: ``with memory_hook(): …`` notes what the block allocates, and frees ever after.

    Parameters
    ----------
    base : type, optional
        Class of hooks; ``cupy.cuda.MemoryHook`` by default, which imports CuPy.
    """
    if base is None:
        base = importlib.import_module("cupy.cuda.memory_hook").MemoryHook

    class LineHook(base):  # type: ignore[misc, valid-type] # a class that is known only here
        """Notes blocks as CuPy's pool hands them out and takes them back."""

        name = "kimera-leakguard"

        def malloc_postprocess(self, **call: Any) -> None:
            address = int(call["mem_ptr"])
            if address:
                ledger = _ledgers.setdefault(int(call["device_id"]), Ledger())
                caller = sys._getframe(1)  # noqa: SLF001 - the line is what this is for
                ledger.add(address, int(call["mem_size"]), caller)

        def free_postprocess(self, **call: Any) -> None:
            ledger = _ledgers.get(int(call["device_id"]))
            if ledger is not None:
                ledger.remove(int(call["mem_ptr"]))

    return LineHook()


def read() -> list[DeviceMemory]:
    """Read what hooks noted, a device each, beside what the pool keeps; [] without a hook."""
    cupy = sys.modules.get("cupy")
    return [_read_device(device, _ledgers[device], _pool(cupy)) for device in sorted(_ledgers)]


def forget() -> None:
    """Forget everything that hooks noted."""
    _ledgers.clear()


def _read_device(device: int, ledger: Ledger, pool: Any) -> DeviceMemory:
    slack = pool.free_bytes() if pool is not None and _current(device) else 0
    return DeviceMemory("cupy", f"cuda:{device}", ledger.live_bytes, 0, slack, ledger.lines())


def _pool(cupy: Any) -> Any:
    try:
        return None if cupy is None else cupy.get_default_memory_pool()
    except Exception as error:  # noqa: BLE001 - a driver in any state must not end a check of ours
        note_fault("reading CuPy's pool", error)
        return None


def _current(device: int) -> bool:
    # The pool tells of the current device only.
    cupy = sys.modules.get("cupy")
    try:
        return cupy is not None and int(cupy.cuda.runtime.getDevice()) == device
    except Exception as error:  # noqa: BLE001 - a driver in any state must not end a check of ours
        note_fault("asking CuPy for the current device", error)
        return False
