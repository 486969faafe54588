"""A duty that a class does not fulfil, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.ownership import Level

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.obligations.families import Member
    from kimera_leakguard_native.analysis.obligations.held_paths import Escape
    from kimera_leakguard_native.analysis.obligations.stores import Store


@dataclass(frozen=True, slots=True)
class Breach:
    """What a class owes.

    Attributes
    ----------
    store : Store
        The acquisition that the finding is about.
    evident : bool
        Whether the class shows that it means to release: by a method for that, or by releasing
        something else.
    why : str
        Ends the sentence that starts with the resource.
    steps : tuple of (module, line, note)
        Where it should have been released, and what happens there.
    """

    store: Store
    tier: str
    evident: bool
    why: str
    steps: tuple[tuple[str, int, str], ...] = ()


def overwritten(store: Store, escape: Escape) -> Breach:
    """Describe a method that stores a new resource over one that is still open."""
    name, module = store.method_name, store.method.module.name
    noun = store.site.resource.noun
    steps = [(module, line, note) for line, note in escape.notes if note != "returns"]
    steps.append((module, store.line, f"the {noun} that self.{store.attribute} held is lost"))
    why = f"over one that {name}() does not close"
    return Breach(store, "N", True, why, tuple(steps))


def narrow(store: Store, member: Member, name: str, escape: Escape) -> Breach:
    """Describe a method that releases on some of its ways out only."""
    module = member.module.name
    noun = store.site.resource.noun
    steps = [(module, line, note) for line, note in escape.notes]
    if escape.exit == "raise":
        steps.append((module, escape.line, f"{name}() is left with the {noun} open"))
        where = f"if line {escape.line} raises" if escape.line else "if a call in between raises"
        tier = "E" if escape.level is Level.PLAIN else "X"
        if tier == "E":
            where = f"where it raises at line {escape.line}"
        return Breach(store, tier, False, f"and {name}() does not close it {where}", tuple(steps))
    guarded = name in ("__exit__", "__aexit__") and escape.level is Level.PLAIN
    why = f"and {name}() closes it on some paths only"
    tier = "E" if escape.level is Level.PLAIN else "X"
    return Breach(store, tier, guarded, why, tuple(steps))
