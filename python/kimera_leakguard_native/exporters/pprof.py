"""Heap profiles in the format of pprof: a gzipped protocol buffer.

Field numbers are those of ``profile.proto`` of google/pprof. The few messages that a heap profile
needs are written here, so that nobody has to install a protobuf run time; the tests decode them
with the real definition.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from kimera_leakguard_native._version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kimera_leakguard_native.model.profile import HeapProfile

CONTENT_TYPE = "application/octet-stream"

SAMPLE_TYPES = (
    ("alloc_objects", "count"),
    ("alloc_space", "bytes"),
    ("inuse_objects", "count"),
    ("inuse_space", "bytes"),
)
"""Those of Go's heap profiles, in their order."""

NO_STACK = "[no Python stack]"

_VARINT, _BYTES = 0, 2
_MAPPING = 1


def encode(profile: HeapProfile, ended: float, program: str = "python") -> bytes:
    """Give the bytes of a ``.pb.gz`` file.

    Parameters
    ----------
    profile : HeapProfile
        Its estimates are rounded to whole objects and bytes.
    ended : float
        Seconds since the epoch at its end.
    program : str
        Name of what ran.
    """
    writer = _Writer(program)
    for stack in profile.stacks:
        frames = [(f.function, f.file, f.line) for f in profile.frames(stack.call)]
        writer.sample(
            frames or [(NO_STACK, "", 0)],
            (stack.allocations, stack.allocated_bytes, stack.live_objects, stack.live_bytes),
        )
    seconds = profile.seconds
    return gzip.compress(
        writer.finish(ended - seconds, seconds, profile.mean_bytes),
        mtime=0,  # the same profile gives the same bytes
    )


class _Writer:
    def __init__(self, program: str) -> None:
        self._strings: dict[str, int] = {"": 0}
        self._functions: dict[tuple[str, str], int] = {}
        self._locations: dict[tuple[int, int], int] = {}
        self._body = bytearray()
        for kind in SAMPLE_TYPES:
            self._body += _message(1, self._value_type(*kind))
        # A mapping that has its symbols: or else servers look for a binary to find them in.
        self._body += _message(
            3,
            _number(1, _MAPPING)
            + _number(5, self._string(program))
            + b"".join(_number(has, 1) for has in (7, 8, 9)),
        )

    def sample(self, frames: Iterable[tuple[str, str, int]], values: Iterable[float]) -> None:
        locations = [self._location(*frame) for frame in frames]
        self._body += _message(2, _packed(1, locations) + _packed(2, [round(v) for v in values]))

    def finish(self, began: float, seconds: float, period: float) -> bytes:
        default = self._string(SAMPLE_TYPES[-1][0])
        comment = self._string(f"klg {__version__}: estimates from samples of the allocated bytes")
        period_type = self._value_type("space", "bytes")
        for (function, line), number in self._locations.items():
            self._body += _message(
                4,
                _number(1, number)
                + _number(2, _MAPPING)
                + _message(4, _number(1, function) + _number(2, line)),
            )
        for (name, file), number in self._functions.items():
            text = self._string(name)
            self._body += _message(
                5,
                _number(1, number)
                + _number(2, text)
                + _number(3, text)
                + _number(4, self._string(file)),
            )
        for string in self._strings:
            self._body += _message(6, string.encode("utf-8", "replace"))
        self._body += _number(9, round(began * 1e9)) + _number(10, round(seconds * 1e9))
        self._body += _message(11, period_type) + _number(12, round(period))
        return bytes(self._body + _number(13, comment) + _number(14, default))

    def _string(self, text: str) -> int:
        return self._strings.setdefault(text, len(self._strings))

    def _value_type(self, kind: str, unit: str) -> bytes:
        return _number(1, self._string(kind)) + _number(2, self._string(unit))

    def _location(self, name: str, file: str, line: int) -> int:
        function = self._functions.setdefault((name, file), len(self._functions) + 1)
        return self._locations.setdefault((function, line), len(self._locations) + 1)


def _varint(value: int) -> bytes:
    out = bytearray()
    value &= 0xFFFF_FFFF_FFFF_FFFF  # negative ones in two's complement
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _message(field: int, body: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(body)) + body


def _packed(field: int, values: Iterable[int]) -> bytes:
    return _message(field, b"".join(map(_varint, values)))
