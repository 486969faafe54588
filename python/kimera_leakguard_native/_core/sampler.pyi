"""
Byte-sampled hooks in the allocators of the interpreter.
"""
from __future__ import annotations
import typing
__all__: list[str] = ['BUDGET_LIMIT', 'Capture', 'LIFE_FORMAT', 'ask_for_mean', 'create_descriptor', 'die_with_parent', 'look_at_c_heap', 'mode', 'native_unavailable_reason', 'own_capture', 'recording', 'refresh_native', 'start', 'stop', 'unavailable_reason']
class Capture:
    """
    What a sampler has recorded; read without a lock.
    """
    def __init__(self, descriptor: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def allocated(self) -> list[tuple[float, float]]:
        """
        Estimated allocations and bytes of each stack node since the start, by its number.
        """
    def begun(self) -> bool:
        """
        Whether a sampler has begun to write.
        """
    def held(self, large: typing.SupportsInt | typing.SupportsIndex) -> list[tuple[int, int, float, int, int]]:
        """
        Live samples by stack: (node, samples, estimated bytes, bytes of samples of at least `large`, the largest of these).
        """
    def live(self) -> bytes:
        """
        Live samples as records of LIFE_FORMAT.
        """
    def new_codes(self) -> list[tuple[str, str]]:
        """
        Code objects since the last call: (file, function).
        """
    def new_deaths(self) -> tuple[bytes, int]:
        """
        Deaths of old samples since the last call as records of LIFE_FORMAT, and how many were lost.
        """
    def new_nodes(self) -> list[tuple[int, int, int]]:
        """
        Stack nodes since the last call: (parent, code, line).
        """
    def totals(self) -> dict[str, typing.Any]:
        """
        Counters and estimates; times in seconds.
        """
def ask_for_mean(bytes: typing.SupportsFloat | typing.SupportsIndex) -> None:
    """
    Ask for a finer sampling mean; granted at a later sample, as the budget leaves room.
    """
def create_descriptor() -> int:
    """
    A descriptor of memory that can hold a capture; close-on-exec.
    """
def die_with_parent(parent: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Have the kernel kill this process when its parent dies.
    """
def look_at_c_heap() -> None:
    """
    Read what the C library holds, if that is due; samples do it too, where there are any.
    """
def mode() -> str:
    """
    'divert' or 'filter' while hooks are in place, or ''.
    """
def native_unavailable_reason(native: str) -> str:
    """
    Why C allocations cannot be seen in that way here, or ''.
    """
def own_capture() -> Capture:
    """
    The capture of the latest sampling in this process.
    """
def recording() -> bool:
    """
    Whether samples are being recorded.
    """
def refresh_native() -> None:
    """
    Hook modules that have been loaded meanwhile; cheap where there are none.
    """
def start(*, mean_bytes: typing.SupportsFloat | typing.SupportsIndex, budget: typing.SupportsFloat | typing.SupportsIndex = 0.0, credit_s: typing.SupportsFloat | typing.SupportsIndex = 0.0, descriptor: typing.SupportsInt | typing.SupportsIndex = -1, follow_fork: bool = False, native: str = 'off', child_folder: str = '') -> None:
    """
    Install the hooks and record, into the capture of a descriptor or of this process.
    """
def stop() -> None:
    """
    End the recording and take the hooks out; may be repeated.
    """
def unavailable_reason() -> str:
    """
    Why the hooks cannot be used in this interpreter, or ''.
    """
BUDGET_LIMIT: float = 0.05
LIFE_FORMAT: str = 'qqQIffI'
