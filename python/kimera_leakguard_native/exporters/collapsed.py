"""Heap profiles as collapsed stacks: a line each, for flame graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimera_leakguard_native.exporters.pprof import NO_STACK

if TYPE_CHECKING:
    from kimera_leakguard_native.model.profile import HeapProfile


def encode(profile: HeapProfile) -> str:
    """Give the live bytes by stack, outermost call first; stacks that hold nothing are left out."""
    lines = []
    for stack in profile.stacks:
        size = round(stack.live_bytes)
        frames = [_name(f.function, f.file, f.line) for f in profile.frames(stack.call)]
        if size > 0:
            lines.append(f"{';'.join(reversed(frames)) or NO_STACK} {size}\n")
    return "".join(lines)


def _name(function: str, file: str, line: int) -> str:
    # The format has no escapes: a semicolon separates calls, a line break stacks.
    return f"{function} ({file}:{line})".replace(";", ",").replace("\n", " ")
