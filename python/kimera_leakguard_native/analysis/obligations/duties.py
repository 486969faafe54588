"""Whether a class releases what it stores, and if not, how sure that is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.decorators import is_property
from kimera_leakguard_native.analysis.obligations import held_paths
from kimera_leakguard_native.analysis.obligations.breaches import Breach, narrow, overwritten
from kimera_leakguard_native.analysis.obligations.callees import CalleeView
from kimera_leakguard_native.analysis.obligations.families import Family, Member, family_of
from kimera_leakguard_native.analysis.obligations.stores import CONSTRUCTORS, is_unconditional
from kimera_leakguard_native.analysis.obligations.uses import Census, Fate, Use, census_of
from kimera_leakguard_native.analysis.obligations.words import (
    ENDINGS,
    is_closer,
    may_be_closer,
    renews,
    says_nothing,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kimera_leakguard_native.analysis.names import ClassScope, ModuleScopes
    from kimera_leakguard_native.analysis.obligations.stores import Store
    from kimera_leakguard_native.analysis.obligations.text_index import TextIndex
    from kimera_leakguard_native.analysis.project import Project
    from kimera_leakguard_native.analysis.resources.models import Resource

Relatives = list[tuple[Member, Census]]
_ENDING = frozenset({Fate.RELEASED, Fate.ARRANGED})
PLAIN_RULES = frozenset({"KLG101", "KLG102", "KLG103", "KLG104", "KLG105", "KLG109"})
"""Of resources that no program keeps by the way; threads of a pool are kept on purpose."""
_DIES_WITH_OBJECT = frozenset({"memory-map"})
_PASSED_ON = frozenset({Fate.RELEASED, Fate.ARRANGED, Fate.ESCAPED, Fate.LENT})
_ANY_ENDING = frozenset({"close", "aclose", "__exit__", "__aexit__", "detach"})
_SETTLING = frozenset({Fate.ESCAPED, Fate.ARRANGED})


@dataclass(slots=True)
class ClassDuties:
    """One class, with what its methods and its relatives do to its attributes."""

    project: Project
    family: Family
    index: Callable[[], TextIndex]
    relatives: Relatives = field(default_factory=list)
    _heirs: list[Family] | None = None
    _censuses: dict[str, Census] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        project: Project,
        module: ModuleScopes,
        scope: ClassScope,
        index: Callable[[], TextIndex],
    ) -> ClassDuties:
        """Read a class and its bases."""
        duties = cls(project, family_of(project, module, scope), index)
        duties.relatives = duties._read(duties.family)
        return duties

    def breach(self, stores: list[Store]) -> Breach | None:
        """Judge the stores in one attribute; None if the duty is fulfilled, or somebody else's."""
        first = stores[0]
        attribute = first.attribute
        if not self._settled(first, self.relatives):
            return self._forgotten(first)
        if any(
            use.attribute in self._names(attribute) and use.fate in _SETTLING
            for _, census in self.relatives
            for use in census.uses
        ):
            return None
        return self._overwritten(stores) or self._narrow(first) or self._overridden(first)

    def leaves_open(self, attribute: str) -> bool:
        """Whether the class never releases what an attribute holds, nor gives it to anybody."""
        if self.family.open_ended or any(census.dynamic for _, census in self.relatives):
            return False
        return not any(
            use.attribute == attribute
            and not (use.of_item and use.fate in (Fate.LENT, Fate.ESCAPED))
            and (use.fate in _PASSED_ON or use.through in _ANY_ENDING)
            for _, census in self.relatives
            for use in census.uses
        )

    def works_with(self, attribute: str) -> bool:
        """Whether a method asks something of what an attribute holds."""
        return any(
            use.attribute == attribute and use.method not in CONSTRUCTORS
            for _, census in self.relatives
            for use in census.uses
        )

    def releasing(self, store: Store) -> set[str]:
        """Give the methods that release an attribute; none if something else does."""
        names = self._names(store.attribute)
        uses = [
            use for _, census in self.relatives for use in census.uses if use.attribute in names
        ]
        if len(names) > 1 or any(use.fate in _SETTLING for use in uses):
            return set()
        return self._ending(store) - CONSTRUCTORS

    def closing(self, attribute: str) -> frozenset[str]:
        """Give what the class calls on an attribute to end it; nothing if others share in it."""
        uses = [
            use for _, census in self.relatives for use in census.uses if use.attribute == attribute
        ]
        if any(use.fate in _SETTLING for use in uses) or self._is_lent(attribute):
            return frozenset()
        closed = any(use.fate is Fate.RELEASED and use.method not in CONSTRUCTORS for use in uses)
        return ENDINGS if closed else frozenset()

    def ending(self, attribute: str, methods: frozenset[str]) -> set[str]:
        """Give the methods that end what an attribute holds, themselves or through others."""
        return self._reach(
            {
                use.method
                for _, census in self.relatives
                for use in census.uses
                if use.attribute == attribute and (use.fate in _ENDING or use.through in methods)
            }
        )

    def is_prepared(self, name: str, attribute: str, methods: frozenset[str]) -> bool:
        """Whether those who call a method see to what an attribute held before."""
        return self._prepared(name, self.ending(attribute, methods))

    def calling(self, methods: frozenset[str]) -> set[str]:
        """Give the methods of the class that call one of some methods, directly or not."""
        return self._reach(set(methods)) - methods - CONSTRUCTORS

    # --- never released ----------------------------------------------------------------------

    def _forgotten(self, store: Store) -> Breach | None:
        attribute = store.attribute
        if any(census.dynamic for _, census in self.relatives):
            return None
        closer = self._closer(attribute)
        if closer is None and self._is_lent(attribute):
            return None
        if any(self._settled(store, self._read(heir)) for heir in self.heirs()):
            return None
        if self._is_released_outside(store):
            return None
        if closer is None:
            evident = (
                not (self.family.open_ended or store.contained)
                and store.site.resource.rule in PLAIN_RULES
                and store.site.kind not in _DIES_WITH_OBJECT
            )
            return Breach(store, "N", evident, "and the class has no method that closes it")
        member, name, line, note = closer
        return Breach(
            store,
            "N",
            not self.family.open_ended,
            f"and {name}() does not close it",
            ((member.module.name, line, note),),
        )

    def _settled(self, store: Store, relatives: Relatives) -> bool:
        """Whether something releases the attribute for good, or somebody else may."""
        names = self._names(store.attribute)
        for _, census in relatives:
            for use in census.uses:
                if use.attribute not in names:
                    continue
                if use.fate in _SETTLING:
                    return True
                if _ends(use, store.site.resource) and not _renews(use, census):
                    return True
        return False

    def _is_released_outside(self, store: Store) -> bool:
        released = self.index().released
        words = {"close", *store.site.resource.release}
        return any(released.get(name, set()) & words for name in self._names(store.attribute))

    def _names(self, attribute: str) -> set[str]:
        """Give the attribute, and the methods and properties that give what it holds."""
        return {attribute} | {
            use.method
            for _, census in self.relatives
            for use in census.uses
            if use.attribute == attribute and use.fate is Fate.LENT
        }

    def _is_lent(self, attribute: str) -> bool:
        """Whether a method gives what the attribute holds to its callers, who may close it.

        What a property gives is looked for by its name, as the attribute itself is.
        """
        for name in self._names(attribute) - {attribute}:
            found = self.family.method(name)
            if found is None or not is_property(found[1]):
                return True
        return False

    def _closer(self, attribute: str) -> tuple[Member, str, int, str] | None:
        """Find the method in which the class ends: one that releases a sibling, or by its name."""
        for member, use in self._siblings(attribute):
            if use.method in member.scope.methods:
                note = f"{use.method}() releases self.{use.attribute}, but not self.{attribute}"
                return member, use.method, use.line, note
        for member, _ in self.relatives:
            for name, scope in member.scope.methods.items():
                if is_closer(name) and not says_nothing(scope.node):
                    line = getattr(scope.node, "lineno", 1)
                    return member, name, line, f"{name}() does not release self.{attribute}"
        return None

    def _siblings(self, attribute: str) -> Iterator[tuple[Member, Use]]:
        for member, census in self.relatives:
            for use in census.uses:
                if (
                    use.fate in _ENDING
                    and use.attribute != attribute
                    and use.method not in CONSTRUCTORS
                    and may_be_closer(use.method)
                ):
                    yield member, use

    # --- released, but not everywhere ----------------------------------------------------------

    def _overwritten(self, stores: list[Store]) -> Breach | None:
        attribute = stores[0].attribute
        constructed = any(is_unconditional(store) for store in stores)
        for store in stores:
            name = store.method_name
            if name in CONSTRUCTORS or store.contained or not (constructed or renews(name)):
                continue
            if self._is_prepared(name, store):
                continue
            escape = held_paths.overwriting(store.method, attribute, store.site.resource)
            if escape is not None:
                return overwritten(store, escape)
        return None

    def _is_prepared(self, name: str, store: Store) -> bool:
        """Whether those who call a method see to what was there before."""
        return self._prepared(name, self._ending(store))

    def _prepared(self, name: str, ending: set[str]) -> bool:
        callers = [
            (method, census)
            for _, census in self.relatives
            for method, called in census.calls.items()
            if name in called
        ]
        if any(method in ending or census.calls[method] & ending for method, census in callers):
            return True
        return name.startswith("_") and all(method in CONSTRUCTORS for method, _ in callers)

    def _ending(self, store: Store) -> set[str]:
        """Give the methods that release an attribute, themselves or through others of the class."""
        names = self._names(store.attribute)
        resource = store.site.resource
        return self._reach(
            {
                use.method
                for _, census in self.relatives
                for use in census.uses
                if use.attribute in names and _ends(use, resource)
            }
        )

    def _reach(self, ending: set[str]) -> set[str]:
        """Add the methods of the class that call one of some, directly or not."""
        grown = True
        while grown:
            grown = False
            for _, census in self.relatives:
                for method, called in census.calls.items():
                    if method not in ending and called & ending:
                        ending.add(method)
                        grown = True
        return ending

    def _narrow(self, store: Store) -> Breach | None:
        """Look at the paths of the methods in which the class ends."""
        attribute = store.attribute
        ending = self._ending(store)
        if store.contained or any(census.dynamic for _, census in self.relatives):
            return None
        for member, census in self.relatives:
            for name, scope in member.scope.methods.items():
                direct = any(
                    use.method == name
                    and use.attribute == attribute
                    and use.fate is not Fate.ARRANGED
                    and _ends(use, store.site.resource)
                    for use in census.uses
                )
                if not direct or not may_be_closer(name) or name in census.by_name:
                    continue
                others = census.calls.get(name, set()) | census.to_base.get(name, set())
                if others & (ending - {name}):
                    continue
                function = self.project.function(member.module, scope)
                escape = held_paths.leaving(function, attribute, store.site.resource)
                if escape is not None:
                    return narrow(store, member, name, escape)
        return None

    # --- released by a method that a subclass replaces -----------------------------------------

    def _overridden(self, store: Store) -> Breach | None:
        if not is_unconditional(store) or store.contained:
            return None
        for heir in self.heirs():
            if heir.open_ended or self._still_ends(heir, store):
                continue
            head = heir.head
            for name in sorted(self._ending(store)):
                own = head.scope.methods.get(name)
                if own is not None and may_be_closer(name):
                    line = getattr(own.node, "lineno", 1)
                    note = f"{head.scope.name}.{name}() does not call super().{name}()"
                    why = f"and {head.scope.name}.{name}() does not call super().{name}()"
                    return Breach(store, "N", True, why, ((head.module.name, line, note),))
        return None

    def _still_ends(self, heir: Family, store: Store) -> bool:
        """Whether a subclass releases what its base stores, or never lets it be stored."""
        relatives = self._read(heir)
        attribute = store.attribute
        effective: dict[str, Census] = {}
        replaced: set[tuple[str, str]] = set()
        for member, census in relatives:
            for name in member.scope.methods:
                if name in effective:
                    replaced.add((member.qualified_name, name))
                else:
                    effective[name] = census
        called_on = {name for _, census in relatives for names in census.to_base.values()
                     for name in names}  # fmt: skip
        base = self.family.head.qualified_name
        if (base, store.method_name) in replaced and store.method_name not in called_on:
            return True
        for member, census in relatives:
            if member.qualified_name != base and any(
                attribute in names for names in census.stored.values()
            ):
                return True
            if census.dynamic:
                return True
            for use in census.uses:
                if use.attribute != attribute or not (
                    _ends(use, store.site.resource) or use.fate is Fate.ESCAPED
                ):
                    continue
                if (member.qualified_name, use.method) not in replaced or use.method in called_on:
                    return True
        return False

    # --- relatives ---------------------------------------------------------------------------

    def heirs(self) -> list[Family]:
        """Give the subclasses in the project."""
        if self._heirs is None:
            self._heirs = [
                family_of(self.project, member.module, member.scope)
                for member in self.index().subclasses(self.project, self.family.head)
            ]
        return self._heirs

    def _read(self, family: Family) -> Relatives:
        found = []
        for member in family.members:
            name = member.qualified_name
            if name not in self._censuses:
                callees = CalleeView(self.project, family, member)
                self._censuses[name] = census_of(member, callees)
            found.append((member, self._censuses[name]))
        return found


def _ends(use: Use, resource: Resource) -> bool:
    """Whether a use releases: by a name that always means that, or that does for this kind."""
    return use.fate in _ENDING or use.through in resource.release or use.through in resource.consume


def _renews(use: Use, census: Census) -> bool:
    """Whether a method releases only to store the next one, or on its way out by an exception."""
    return not may_be_closer(use.method) and use.attribute in census.stored.get(use.method, ())
