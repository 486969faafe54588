"""The block under construction, and the cleanup code between here and each exit."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import cfg, ir
from kimera_leakguard_native.errors import AnalysisError

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.names import ModuleScopes, Scope

MAX_COPIED = 60_000
"""Instructions and blocks in copies of cleanup code, exponential where it is nested."""


@dataclass(eq=False, slots=True)
class LoopFrame:
    """A loop around the code that is being lowered."""

    break_target: int
    continue_target: int


@dataclass(eq=False, slots=True)
class CleanupFrame:
    """A ``finally`` or ``with`` around the code that is being lowered.

    Attributes
    ----------
    emit : callable
        Lowers the cleanup code once more.
    on_raise : int
        Where exceptions of the cleanup code itself go.
    copies : dict
        Block that starts the copy for each destination.
    """

    emit: Callable[[], None]
    on_raise: int
    copies: dict[object, int] = field(default_factory=dict)


Frame = LoopFrame | CleanupFrame
RETURN = "return"
LowerBody = Callable[["Builder", Sequence[ast.stmt]], None]
"""Lowers statements; handed down, because statements contain each other."""


class Builder:
    """State of lowering one scope."""

    def __init__(self, module: ModuleScopes, scope: Scope, graph: cfg.Graph) -> None:
        self.module = module
        self.scope = scope
        self.graph = graph
        self.frames: list[Frame] = []
        self.on_raise = cfg.RAISE_EXIT
        self.renamed: list[dict[str, str]] = []
        self.handler_names: list[str] = []
        self.entered: set[int] = set()
        self._numbers = 0
        self._copying = 0
        self._copied = 0
        for _ in (cfg.ENTRY, cfg.RETURN_EXIT, cfg.RAISE_EXIT):
            graph.blocks.append(cfg.Block(len(graph.blocks), cfg.RAISE_EXIT))
        self.current = graph.blocks[cfg.ENTRY]
        self.reachable = True

    # --- places ------------------------------------------------------------------------------

    def number(self) -> int:
        """Give a number that this scope has not used."""
        self._numbers += 1
        return self._numbers

    def temporary(self) -> str:
        """Name a new temporary."""
        return f"%{self.number()}"

    def variable(self, name: str) -> ir.Operand:
        """Say what a name stands for when it is read."""
        for renames in reversed(self.renamed):
            if name in renames:
                return renames[name]
        if (
            name in self.scope.local_names
            and (not self.scope.is_module or name not in self.scope.imports)
            and not self._is_definition(name)
        ):
            return name
        qualified = self.module.resolve(self.scope, name)
        return ir.Global(qualified if qualified is not None else f"<outer>.{name}")

    def _is_definition(self, name: str) -> bool:
        if self.scope.is_module:
            return name in self.module.functions or name in self.module.classes
        if name in self.scope.stored_names:
            # One of the things that the variable may stand for.
            return False
        return f"{self.scope.name}.<locals>.{name}" in self.module.functions

    def target(self, name: str) -> str | None:
        """Give the place that assigning to a name writes; None outside this function."""
        for renames in reversed(self.renamed):
            if name in renames:
                return renames[name]
        return None if name in self.scope.outer_names else name

    # --- blocks ------------------------------------------------------------------------------

    def emit(self, instruction: ir.Instruction) -> None:
        """Append to the current block."""
        if not self.reachable:
            return
        self._count_copy()
        self.current.instructions.append(instruction)

    def new_block(self) -> cfg.Block:
        """Make a block whose exceptions go where they go now."""
        self._count_copy()
        block = cfg.Block(len(self.graph.blocks), self.on_raise)
        self.graph.blocks.append(block)
        return block

    def _count_copy(self) -> None:
        self._copied += self._copying > 0
        if self._copied > MAX_COPIED:
            raise AnalysisError("cleanup code is nested too deeply to be analysed")

    def enter(self, block: cfg.Block) -> None:
        """Go on in a block."""
        self.current = block
        self.reachable = True

    def jump(self, target: int) -> None:
        """End the block by a jump."""
        self.end(cfg.Jump(target))

    def end(self, terminator: cfg.Terminator) -> None:
        """End the block; what follows cannot be reached until another block is entered."""
        if self.reachable:
            self.current.terminator = terminator
            self.entered.update(self.graph.successors(self.current.number))
        self.reachable = False

    def guard(self, on_raise: int) -> None:
        """Change where exceptions go from here on."""
        self.on_raise = on_raise
        if self.reachable:
            block = self.new_block()
            self.jump(block.number)
            self.enter(block)

    # --- leaving -----------------------------------------------------------------------------

    def leave(self, destination: object) -> None:
        """Jump to the function's exit or out of a loop, through all cleanup code between."""
        self.jump(self._route(len(self.frames), destination))

    def _route(self, depth: int, destination: object) -> int:
        for index in range(depth - 1, -1, -1):
            frame = self.frames[index]
            if isinstance(frame, LoopFrame):
                if destination == ("break", frame):
                    return frame.break_target
                if destination == ("continue", frame):
                    return frame.continue_target
                continue
            if destination not in frame.copies:
                frame.copies[destination] = self._copy(frame, index, destination)
            return frame.copies[destination]
        return cfg.RETURN_EXIT

    def _copy(self, frame: CleanupFrame, index: int, destination: object) -> int:
        saved = (self.frames, self.on_raise, self.current, self.reachable)
        self.frames, self.on_raise = self.frames[:index], frame.on_raise
        start = self.new_block()
        self.enter(start)
        # Known before the body is lowered: cleanup code that loops back finds it.
        frame.copies[destination] = start.number
        self._copying += 1
        frame.emit()
        self._copying -= 1
        self.jump(self._route(index, destination))
        self.frames, self.on_raise, self.current, self.reachable = saved
        return start.number

    def innermost_loop(self) -> LoopFrame | None:
        """Give the loop that break and continue mean."""
        for frame in reversed(self.frames):
            if isinstance(frame, LoopFrame):
                return frame
        return None

    def raising_cleanup(self, frame: CleanupFrame) -> int:
        """Lower the copy of cleanup code that an exception runs through."""
        saved = (self.frames, self.on_raise, self.current, self.reachable)
        self.on_raise = frame.on_raise
        start = self.new_block()
        self.enter(start)
        self._copying += 1
        frame.emit()
        self._copying -= 1
        self.end(cfg.Resume(frame.on_raise))
        self.frames, self.on_raise, self.current, self.reachable = saved
        return start.number
