"""The intermediate representation: three-address instructions with explicit temporaries.

Places are strings: a local variable by its name, a temporary as ``%7``. An operand is a place, a
`Literal` or a `Global`. Control flow is not in the instructions but in `cfg`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kimera_leakguard_native.analysis.source_text import text_of

if TYPE_CHECKING:
    import ast


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant of the source."""

    value: Any


@dataclass(frozen=True, slots=True)
class Global:
    """A name outside the function, qualified where imports allow: ``sys.stdout``, ``mod.DEBUG``."""

    name: str


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value that the representation does not describe; equal only to itself.

    Attributes
    ----------
    bounds : tuple of (int or None), optional
        Of a slice whose bounds are constants: start, stop and step.
    """

    number: int
    bounds: tuple[int | None, int | None, int | None] | None = None


Operand = str | Literal | Global | Opaque


# --- conditions and other pure expressions -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Truth:
    """``bool(operand)``."""

    operand: Operand


@dataclass(frozen=True, slots=True)
class Compare:
    """``left op right`` with op as it is written, also ``is``, ``in`` and their negations."""

    op: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class IsInstance:
    """``isinstance(operand, types)``; types by qualified name."""

    operand: Operand
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Negation of a condition."""

    inner: Condition


@dataclass(frozen=True, slots=True)
class Unknown:
    """A test of which nothing is known: whether an iterator has more, whether a pattern matches.

    `iterator` is the place of the iterator that is asked.
    """

    number: int
    note: str = ""
    iterator: str | None = None


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left op right`` on numbers, or what the operator means for others."""

    op: str
    left: Operand
    right: Operand


Condition = Truth | Compare | IsInstance | Not | Unknown
Expression = Condition | Arithmetic


# --- instructions --------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class Instruction:
    """Something that a block does; `line` is 1-based."""

    line: int


@dataclass(slots=True, eq=False)
class Assign(Instruction):
    """``target = source``."""

    target: str
    source: Operand


@dataclass(slots=True, eq=False)
class Compute(Instruction):
    """``target = expression`` without side effects."""

    target: str
    expression: Expression


@dataclass(slots=True, eq=False)
class Call(Instruction):
    """A call.

    Attributes
    ----------
    name : str or None
        Qualified name of the callee where it is known.
    receiver, method
        Of a call through an attribute that is no qualified name.
    function : Operand or None
        The called value, where it is neither of these.
    spread : bool
        Whether ``*`` or ``**`` arguments are among them.
    managed : bool
        Whether a with statement enters the result at once.
    end_line, column, source
        For the finding, should this call acquire; column is a 0-based count of bytes, source the
        expression that is called.
    """

    target: str
    name: str | None
    receiver: Operand | None
    method: str | None
    function: Operand | None
    arguments: tuple[Operand, ...]
    keywords: tuple[tuple[str, Operand], ...]
    spread: bool
    end_line: int
    column: int
    source: ast.AST
    managed: bool = False

    @property
    def text(self) -> str:
        """The called expression as it is written, shortened."""
        return text_of(self.source, 30)

    def operands(self) -> tuple[Operand, ...]:
        """Give the arguments, positional first."""
        return (*self.arguments, *(value for _, value in self.keywords))


@dataclass(slots=True, eq=False)
class GetAttribute(Instruction):
    """``target = object.attribute``."""

    target: str
    object: Operand
    attribute: str


@dataclass(slots=True, eq=False)
class SetAttribute(Instruction):
    """``object.attribute = source``."""

    object: Operand
    attribute: str
    source: Operand


@dataclass(slots=True, eq=False)
class GetItem(Instruction):
    """``target = object[key]``."""

    target: str
    object: Operand
    key: Operand


@dataclass(slots=True, eq=False)
class SetItem(Instruction):
    """``object[key] = source``."""

    object: Operand
    key: Operand
    source: Operand


@dataclass(slots=True, eq=False)
class Build(Instruction):
    """A display; `kind` is tuple, list, set, dict or text (an f-string).

    The elements at the positions `spread` are iterators over what a star puts there.
    """

    target: str
    kind: str
    elements: tuple[Operand, ...]
    spread: tuple[int, ...] = ()


@dataclass(slots=True, eq=False)
class Unpack(Instruction):
    """``a, b = source``; with a starred target nothing is known of the positions."""

    targets: tuple[str, ...]
    source: Operand
    starred: bool


@dataclass(slots=True, eq=False)
class Iterate(Instruction):
    """``target = iter(source)``."""

    target: str
    source: Operand


@dataclass(slots=True, eq=False)
class Next(Instruction):
    """``target = next(iterator)``."""

    target: str
    iterator: str


@dataclass(slots=True, eq=False)
class MakeClosure(Instruction):
    """A nested function, lambda or class that sees variables of this frame."""

    target: str
    captured: tuple[str, ...]
    source: ast.AST


@dataclass(slots=True, eq=False)
class Delete(Instruction):
    """``del name``."""

    name: str


@dataclass(slots=True, eq=False)
class Enter(Instruction):
    """``target = manager.__enter__()``."""

    target: str
    manager: Operand


@dataclass(slots=True, eq=False)
class Exit(Instruction):
    """``manager.__exit__()``."""

    manager: Operand


@dataclass(slots=True, eq=False)
class Await(Instruction):
    """``target = await source``: the task may be cancelled here."""

    target: str
    source: Operand


@dataclass(slots=True, eq=False)
class Yield(Instruction):
    """``target = yield source``: the generator may be closed here."""

    target: str
    source: Operand


@dataclass(slots=True, eq=False)
class Return(Instruction):
    """The value of the function is fixed; cleanup still follows as control flow."""

    source: Operand


@dataclass(slots=True, eq=False)
class Raise(Instruction):
    """An explicit raise; `exception` is a qualified class name, None where unknown.

    With `again`, the exception being handled is raised once more. `assertion` marks a failed
    assert, which nobody expects.
    """

    exception: str | None
    again: bool = False
    assertion: bool = False
    source: Operand | None = None


@dataclass(slots=True, eq=False)
class EndHandler(Instruction):
    """The exception that a handler caught is forgotten here."""
