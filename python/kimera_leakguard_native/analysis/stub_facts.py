"""What the stubs say about resources: candidates, what returns them, wrappers, no-return functions.

A class is a candidate resource when it has a method that ends something: `close` and its kin, or
a weaker name such as `release` together with the context manager protocol. The stubs cannot tell
that closing a `StringIO` is optional; `DENIED` can, with a reason a name.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.stub_deny import DENIED, TRANSACTIONAL
from kimera_leakguard_native.analysis.typeshed import Typeshed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.typeshed import Definition

RELEASES = (
    "aclose",
    "close",
    "server_close",
    "shutdown",
    "cleanup",
    "disconnect",
    "quit",
    "logout",
)
"""Methods whose presence alone makes a class a candidate, in the order they are suggested."""

MANAGED_RELEASES = ("release", "terminate", "stop", "unlink")
"""Methods that count only beside ``__exit__``: on their own they are too common."""

_FILE_METHODS = frozenset({"read", "readinto", "readline", "write", "fileno", "recv", "close"})
_NEVER = frozenset(
    f"{module}.{name}"
    for module in ("typing", "typing_extensions")
    for name in ("NoReturn", "Never")
)
_TUPLE = "builtins.tuple"


@dataclass(frozen=True, slots=True)
class CandidateResource:
    """A class whose instances somebody has to release.

    Attributes
    ----------
    name : str
        Dotted name at the place of definition, for example ``_io.TextIOWrapper``.
    releases : tuple of str
        Methods that end it, most usual first.
    awaited : frozenset of str
        Those of them that are coroutines.
    context_managed : bool
        Whether ``with`` (or ``async with``) releases it.
    """

    name: str
    releases: tuple[str, ...]
    awaited: frozenset[str]
    context_managed: bool


@dataclass(frozen=True, slots=True)
class ReturnedResource:
    """A resource in the result of a call.

    Attributes
    ----------
    position : int or None
        Index in a returned tuple; None where the result itself is the resource.
    resource : CandidateResource
        One of the classes that the annotation allows.
    optional : bool
        Whether the call may give something else instead, such as None.
    """

    position: int | None
    resource: CandidateResource
    optional: bool


@dataclass(frozen=True, slots=True)
class WrapperParameter:
    """A constructor's parameter that takes a file-like object.

    Attributes
    ----------
    position : int or None
        Index among the positional arguments, ``self`` not counted; None if by keyword only.
    classes : tuple of str
        The file-like classes and protocols that its annotation allows.
    """

    name: str
    position: int | None
    classes: tuple[str, ...]


class StubFacts:
    """Facts about the standard library, each computed from its stub when first asked for.

    Parameters
    ----------
    typeshed : Typeshed, optional
        Index to read; one for the running version by default.
    """

    def __init__(self, typeshed: Typeshed | None = None) -> None:
        self.typeshed = typeshed or Typeshed()
        self._resources: dict[str, CandidateResource | None] = {}
        self._returns: dict[str, tuple[ReturnedResource, ...]] = {}
        self._never: dict[str, bool] = {}

    def resource(self, name: str) -> CandidateResource | None:
        """Describe a class as a resource; None where it is none, denied or not in the stubs."""
        if name not in self._resources:
            self._resources[name] = self._candidate(name)
        return self._resources[name]

    def denied(self, name: str) -> str | None:
        """Say why a class is no resource although it has a release method; None if it may be."""
        canonical = self.typeshed.canonical(name) or name
        for base in self.typeshed.mro(canonical) or (canonical,):
            rule = DENIED.get(base)
            if rule is not None and (base == canonical or rule.inherited):
                return rule.reason
        return None

    def returned(self, function: str) -> tuple[ReturnedResource, ...]:
        """Name the resources that calling a function, method or class hands to the caller.

        All overloads count: ``open`` may give any of five classes. A resource class called by
        its own name gives itself.
        """
        if function not in self._returns:
            self._returns[function] = tuple(dict.fromkeys(self._returned(function)))
        return self._returns[function]

    def never_returns(self, function: str) -> bool:
        """Tell whether every signature of a function or callable object ends in NoReturn."""
        if function not in self._never:
            found = self.typeshed.definition(function)
            self._never[function] = found is not None and self._is_never(found)
        return self._never[function]

    def wrapper_parameters(self, name: str) -> tuple[WrapperParameter, ...]:
        """Name the constructor's parameters that take a file, socket or other stream.

        Whether the new object then owns the stream, the stub does not say: `io.TextIOWrapper`
        closes its buffer, `subprocess.Popen` leaves ``stdin`` alone.
        """
        merged: dict[str, WrapperParameter] = {}
        for constructor in ("__init__", "__new__"):
            found = self.typeshed.member(name, constructor)
            if found is None or found.name.startswith("builtins.object."):
                continue
            for parameter in self._streams(found):
                known = merged.get(parameter.name, parameter)
                classes = dict.fromkeys((*known.classes, *parameter.classes))
                merged[parameter.name] = WrapperParameter(
                    parameter.name, known.position, tuple(classes)
                )
        return tuple(merged.values())

    def resources_in(self, module: str) -> tuple[CandidateResource, ...]:
        """Name the candidate resources that a module defines or re-exports, in stub order."""
        found = (self.resource(name) for name in self._public(module))
        return tuple(dict.fromkeys(r for r in found if r is not None))

    def acquirers_in(self, module: str) -> dict[str, tuple[ReturnedResource, ...]]:
        """Map the functions of a module whose result is a resource to that result."""
        every = {name: self.returned(name) for name in self._public(module)}
        return {name: result for name, result in every.items() if result}

    def no_return_in(self, module: str) -> tuple[str, ...]:
        """Name the functions of a module that never return."""
        return tuple(name for name in self._public(module) if self.never_returns(name))

    def _public(self, module: str) -> Iterator[str]:
        for name in self.typeshed.names(module) or ():
            if not name.startswith("_") or name == "_exit":
                yield f"{module}.{name}"

    def _candidate(self, name: str) -> CandidateResource | None:
        found = self.typeshed.definition(name)
        if found is None or not found.is_class:
            return None
        if found.name != name:
            return self.resource(found.name)
        managed = any(self.typeshed.member(name, m) for m in ("__exit__", "__aexit__"))
        names = (*RELEASES, *MANAGED_RELEASES) if managed else RELEASES
        methods = {n: m for n in names if (m := self.typeshed.member(name, n)) and m.functions}
        if not methods or self.denied(name) is not None:
            return None
        awaited = frozenset(
            n for n, m in methods.items() if isinstance(m.functions[0], ast.AsyncFunctionDef)
        )
        releasing = managed and name not in TRANSACTIONAL
        return CandidateResource(name, tuple(methods), awaited, releasing)

    def _returned(self, function: str) -> Iterator[ReturnedResource]:
        found = self.typeshed.definition(function)
        if found is None:
            return
        if found.is_class:
            own = self.resource(found.name)
            yield from (ReturnedResource(None, own, optional=False),) if own else ()
            return
        for signature in found.functions:
            if _is_property(signature) or signature.returns is None:
                continue
            yield from self._from_annotation(signature.returns, found, None)

    def _from_annotation(
        self, annotation: ast.expr, found: Definition, position: int | None
    ) -> Iterator[ReturnedResource]:
        owner = found.name.rpartition(".")[0]
        classes = self.typeshed.classes_in(annotation, found.module, owner)
        if classes == (_TUPLE,) and isinstance(annotation, ast.Subscript) and position is None:
            items = annotation.slice
            for index, item in enumerate(items.elts if isinstance(items, ast.Tuple) else ()):
                yield from self._from_annotation(item, found, index)
            return
        resources = [self.resource(name) for name in classes]
        optional = None in resources or _allows_none(annotation)
        for resource in resources:
            if resource is not None:
                yield ReturnedResource(position, resource, optional)

    def _is_never(self, found: Definition) -> bool:
        if isinstance(found.nodes[0], ast.AnnAssign):
            classes = self.typeshed.classes_in(found.nodes[0].annotation, found.module)
            calls = [self.typeshed.member(name, "__call__") for name in classes]
            return bool(calls) and all(call is not None and self._is_never(call) for call in calls)
        return bool(found.functions) and all(
            f.returns is not None
            and (self._canonical(f.returns, found.module) in _NEVER)
            and isinstance(f, ast.FunctionDef)
            for f in found.functions
        )

    def _canonical(self, node: ast.expr, module: str) -> str | None:
        written = self.typeshed.qualify(node, module)
        return (self.typeshed.canonical(written) or written) if written else None

    def _streams(self, found: Definition) -> Iterator[WrapperParameter]:
        owner = found.name.rpartition(".")[0]
        for signature in found.functions:
            positional = [*signature.args.posonlyargs, *signature.args.args][1:]
            for index, argument in enumerate((*positional, *signature.args.kwonlyargs)):
                classes = self.typeshed.classes_in(argument.annotation, found.module, owner)
                streams = tuple(name for name in classes if self._is_stream(name))
                if streams:
                    position = index if index < len(positional) else None
                    yield WrapperParameter(argument.arg, position, streams)

    def _is_stream(self, name: str) -> bool:
        return any(self.typeshed.member(name, method) for method in _FILE_METHODS)


def _is_property(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id in {"property", "cached_property"}
        for node in function.decorator_list
    )


def _allows_none(annotation: ast.expr) -> bool:
    return any(isinstance(n, ast.Constant) and n.value is None for n in ast.walk(annotation))
