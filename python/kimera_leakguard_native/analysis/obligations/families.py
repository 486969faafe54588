"""A class with its bases and subclasses, as far as the project has them."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.names import ClassScope, ModuleScopes, Scope
    from kimera_leakguard_native.analysis.project import Project

_MAX_BASES = 40
_HARMLESS_MODULES = ("typing.", "typing_extensions.", "abc.", "collections.", "enum.", "builtins.")
_HARMLESS = frozenset(
    {
        "threading.Thread", "threading.local", "contextlib.AbstractContextManager",
        "contextlib.AbstractAsyncContextManager", "contextlib.ContextDecorator",
        "contextlib.AsyncContextDecorator", "unittest.TestCase", "multiprocessing.Process",
        "unittest.IsolatedAsyncioTestCase", "argparse.Action", "logging.Filter",
    }
)  # fmt: skip
"""Bases that release nothing which a subclass stores."""


@dataclass(frozen=True, eq=False, slots=True)
class Member:
    """A class and the module that defines it."""

    module: ModuleScopes
    scope: ClassScope

    @property
    def qualified_name(self) -> str:
        """Name with the module's."""
        return f"{self.module.name}.{self.scope.name}"


@dataclass(slots=True)
class Family:
    """A class with its relatives.

    Attributes
    ----------
    members : list of Member
        The class itself, then its bases, nearest first.
    open_ended : bool
        Whether a base is not in the project and might release what the class stores.
    """

    members: list[Member] = field(default_factory=list)
    open_ended: bool = False

    @property
    def head(self) -> Member:
        """The class itself."""
        return self.members[0]

    def method(self, name: str) -> tuple[Member, Scope] | None:
        """Find a method by the order of the bases."""
        for member in self.members:
            scope = member.scope.methods.get(name)
            if scope is not None:
                return member, scope
        return None


def family_of(project: Project, module: ModuleScopes, scope: ClassScope) -> Family:
    """Follow the bases of a class through the project."""
    family = Family()
    seen: set[tuple[str, str]] = set()
    pending = [Member(module, scope)]
    while pending:
        member = pending.pop(0)
        key = (member.module.name, member.scope.name)
        if key in seen or len(seen) > _MAX_BASES:
            continue
        seen.add(key)
        family.members.append(member)
        for base in member.scope.node.bases:
            named = base.value if isinstance(base, ast.Subscript) else base
            qualified = member.module.qualify(member.module.body, named)
            found = None if qualified is None else project.find(qualified)
            if found is not None and found[1] in found[0].classes:
                pending.append(Member(found[0], found[0].classes[found[1]]))
            elif qualified is None or not _is_harmless(qualified):
                family.open_ended = True
    return family


def _is_harmless(qualified: str) -> bool:
    return qualified in _HARMLESS or qualified.startswith(_HARMLESS_MODULES)
