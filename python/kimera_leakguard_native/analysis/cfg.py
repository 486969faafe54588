"""Control flow: basic blocks, what ends them, and where an exception inside one goes.

Every block names the one block that an exception raised in it goes to. That block is the exit by
exception, a `Dispatch` over handlers, or a copy of the cleanup code of a ``finally`` or ``with``,
which ends in `Resume`. Cleanup code is there once for each way of leaving it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.source_text import text_of

if TYPE_CHECKING:
    import ast

    from kimera_leakguard_native.analysis.ir import Condition, Instruction

ENTRY = 0
RETURN_EXIT = 1
RAISE_EXIT = 2


@dataclass(slots=True)
class Jump:
    """Go on at another block."""

    target: int


@dataclass(slots=True)
class Branch:
    """Go on at one of two blocks; `source` is what the decision looks like."""

    condition: Condition
    when_true: int
    when_false: int
    source: ast.AST
    prefix: str = ""

    @property
    def line(self) -> int:
        """Where the decision is, 1-based."""
        return int(getattr(self.source, "lineno", 1))

    @property
    def text(self) -> str:
        """The test as it is written, shortened."""
        return self.prefix + text_of(self.source)


@dataclass(slots=True)
class Handler:
    """One except clause; `types` are qualified names, None catches everything."""

    types: tuple[str | None, ...] | None
    block: int
    line: int


@dataclass(slots=True)
class Dispatch:
    """Choose the handler of the exception in flight.

    Attributes
    ----------
    unmatched : int
        Where an exception goes that no handler takes.
    first_line, last_line : int
        The body of the try statement.
    """

    handlers: list[Handler]
    unmatched: int
    first_line: int
    last_line: int


@dataclass(slots=True)
class Resume:
    """The exception in flight goes on outwards after cleanup code."""

    target: int


@dataclass(slots=True)
class Stop:
    """Nothing follows: an exit, or the end of a raise."""


Terminator = Jump | Branch | Dispatch | Resume | Stop


@dataclass(slots=True)
class Block:
    """Instructions that run one after another."""

    number: int
    on_raise: int
    instructions: list[Instruction] = field(default_factory=list)
    terminator: Terminator = field(default_factory=Stop)


@dataclass(slots=True)
class Loop:
    """A loop by its header.

    Attributes
    ----------
    assigned : frozenset of str
        Variables that the body may change.
    last : int
        The blocks of the loop are those from the header to this one.
    """

    header: int
    assigned: frozenset[str]
    last: int = 0


@dataclass(slots=True)
class Graph:
    """The control flow of one function.

    Attributes
    ----------
    name : str
        Qualified name within the module.
    parameters : tuple of str
        Positional parameters in order, then the others.
    source : ast.AST or None
        What was lowered.
    cells : frozenset of str
        Local variables that nested functions use.
    types : dict of str to str
        Parameters with the qualified class that their annotation names.
    relevant : list of frozenset of str, or None
        What `relevance` has found out about the blocks: every search asks for it again.
    containers : dict of str to str, or None
        Lists, sets and dicts that only this function sees, once somebody has asked for them.
    lent : frozenset of str, or None
        Cells that nested functions merely use, once somebody has asked for them.
    """

    name: str
    line: int
    end_line: int
    parameters: tuple[str, ...]
    cells: frozenset[str]
    is_generator: bool
    is_async: bool
    blocks: list[Block] = field(default_factory=list)
    loops: dict[int, Loop] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    relevant: list[frozenset[str]] | None = None
    containers: dict[str, str] | None = None
    lent: frozenset[str] | None = None
    source: ast.AST | None = None

    def successors(self, number: int) -> tuple[int, ...]:
        """Give the blocks that normal control goes to from a block."""
        end = self.blocks[number].terminator
        if isinstance(end, (Jump, Resume)):
            return (end.target,)
        if isinstance(end, Branch):
            return (end.when_true, end.when_false)
        if isinstance(end, Dispatch):
            return (*(handler.block for handler in end.handlers), end.unmatched)
        return ()
