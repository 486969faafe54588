"""What the text of all files says about attributes and subclasses, without parsing any."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import frontend
from kimera_leakguard_native.errors import AnalysisError

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.obligations.families import Member
    from kimera_leakguard_native.analysis.project import Project

_RELEASE = re.compile(
    rb"\.(\w+)\.(close|aclose|stop|shutdown|terminate|disconnect|release|cleanup|kill|join|cancel|"
    rb"quit|unlink|server_close|dispose|detach|finalize|wait|communicate|join_thread|closeall|term|save|clear|logout|free)\b"
)
_CLASS = re.compile(rb"class (\w+)[ \t]*\(([^)]+)\)")
_NAME = re.compile(rb"\w+(?=\s*(?:,|\[|$))")
_OWN = re.compile(rb"\bself\Z")


@dataclass(slots=True)
class TextIndex:
    """Hints that decide whether a closer look is needed.

    Attributes
    ----------
    released : dict of str to set of str
        By attribute: what is called on it that may release it, through something else than
        ``self``.
    heirs : dict of str to list of (file, class)
        By the last part of a base's name.
    """

    released: dict[str, set[str]] = field(default_factory=dict)
    heirs: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def subclasses(self, project: Project, member: Member) -> list[Member]:
        """Find the classes of the project below one, nearest first."""
        from kimera_leakguard_native.analysis.obligations.families import Member, family_of

        found: dict[str, Member] = {}
        pending = [member.scope.name.rpartition(".")[2]]
        seen: set[str] = set()
        while pending:
            base = pending.pop(0)
            if base in seen or len(found) > _MOST_HEIRS:
                continue
            seen.add(base)
            for file, name in self.heirs.get(base, ()):
                module = project.module(project.name_of(file))
                scope = None if module is None else module.classes.get(name)
                if module is None or scope is None:
                    continue
                members = family_of(project, module, scope).members
                if any(item.qualified_name == member.qualified_name for item in members[1:]):
                    found.setdefault(f"{module.name}.{name}", Member(module, scope))
                    pending.append(name)
        return list(found.values())


_MOST_HEIRS = 60


def text_index(project: Project) -> TextIndex:
    """Give the index of a project, on which the check in progress rests from now on."""
    project.dependencies.use_everything()
    if project.text_index is None:
        project.text_index = _index_of(project)
    return project.text_index


def _index_of(project: Project) -> TextIndex:
    """Read all files of the run."""
    index = TextIndex()
    for file in sorted(project.names):
        try:
            data = frontend.read(file)
        except AnalysisError:
            continue
        project.dependencies.saw(file, data)
        for found in _RELEASE.finditer(data):
            if not _OWN.search(data, max(0, found.start() - 5), found.start()):
                attribute, method = (part.decode("utf-8", "replace") for part in found.groups())
                index.released.setdefault(attribute, set()).add(method)
        for name, bases in _CLASS.findall(data):
            for base in _NAME.findall(bases):
                index.heirs.setdefault(base.decode("utf-8", "replace"), []).append(
                    (file, name.decode("utf-8", "replace"))
                )
    return index
