"""What a retention rule has to say about one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.rules.registry import rules
from kimera_leakguard_native.model.finding import Finding, Step
from kimera_leakguard_native.model.guardian import LeakDetectionResult

if TYPE_CHECKING:
    import ast


@dataclass(frozen=True, slots=True)
class Retention:
    """A statement that keeps memory, and why.

    Attributes
    ----------
    code : str
        The rule.
    node : ast.stmt or ast.expr
        The retaining statement or call.
    message : str
        Without a full stop.
    resource : str
        Kind of what is kept, for example ``cache``.
    confidence : float
    evident : bool
        Whether growth is proven, so that the finding belongs to the default output.
    steps : tuple of (line, note)
        The evidence, in the order to be read.
    unless_shrunk : tuple of (class name or None, name)
        Containers that some other file may empty: the finding holds only if none does. The class is
        that of ``self`` where the container is an attribute of instances.
    if_kept : (class name, argument), optional
        The finding holds only if that class of another file stores the argument of its constructor.
    tier : str
        D for tasks, M for everything else.
    instead_of : tuple of int
        Lines whose findings of the same rule say the same, from further away.
    """

    code: str
    node: ast.stmt | ast.expr
    message: str
    resource: str
    confidence: float
    evident: bool = False
    steps: tuple[tuple[int, str], ...] = ()
    unless_shrunk: tuple[tuple[str | None, str], ...] = ()
    if_kept: tuple[str, int | str] | None = None
    tier: str = "M"
    instead_of: tuple[int, ...] = ()

    def finding(self, file: str, column: int) -> Finding:
        """Describe it; the column is 1-based, in characters."""
        rule = rules()[self.code]
        line = self.node.lineno
        return Finding(
            code=rule.code,
            rule=rule.name,
            message=self.message,
            file=file,
            line=line,
            end_line=_end_of(self.node),
            column=column,
            tier=self.tier,
            confidence=self.confidence,
            detection_result=LeakDetectionResult.POTENTIAL_LEAK.value,
            resource=self.resource,
            path=tuple(Step(file, number, note) for number, note in self.steps),
        )


def _end_of(node: ast.AST) -> int:
    # A definition is reported at its head: a comment anywhere in its body must not silence it.
    body = getattr(node, "body", None)
    start: int = node.lineno  # type: ignore[attr-defined]
    if isinstance(body, list) and body:
        return max(start, int(body[0].lineno) - 1)
    return int(getattr(node, "end_lineno", None) or start)
