"""Containers that live as long as the program, or as a long-lived object, and only grow."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.retention import growth
from kimera_leakguard_native.analysis.retention.body import parameters
from kimera_leakguard_native.analysis.retention.census import uses
from kimera_leakguard_native.analysis.retention.evidence import Retention
from kimera_leakguard_native.analysis.retention.lifetimes import (
    ENDS,
    few_instances,
    is_shared,
    long_lived,
    made_at,
)
from kimera_leakguard_native.analysis.retention.outline import FunctionNode, dotted, last_name
from kimera_leakguard_native.analysis.retention.siblings import let_go_beside
from kimera_leakguard_native.analysis.retention.task_calls import starts_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kimera_leakguard_native.analysis.retention.growth import Growth
    from kimera_leakguard_native.analysis.retention.outline import (
        ClassOutline,
        Definition,
        Outline,
    )

GLOBAL = "KLG203"
ATTRIBUTE = "KLG204"

_MAKERS = frozenset({"dict", "list", "set", "defaultdict", "OrderedDict", "deque", "Counter"})
_ATTRIBUTE = re.compile(
    rb"self\.(\w+)(?:: ?[^=\n]+)? = (?:\[\]|\{\}|set\(\)|dict\(\)|list\(\)"
    rb"|(?:\w+\.)?(?:defaultdict|deque|OrderedDict|Counter)\()"
)
_REGISTERS = re.compile(
    r"^_*(register|unregister|add|set|define|declare|install|include|mount|setup|configure|init"
    r"|initialize|load|import|discover|build|populate|patch|enable|extend|export|provide|main|test"
    r"|pytest|teardown|parse|read|create_table|make_table|collect|compile|generate)(_|$)|^__set_name__$"
    r"|^__init_subclass__$|^setUp|^tearDown|decorator|^wrapper$|register"
)
_FILLS = re.compile(
    r"_*(add|append|new|create|make|with|enter|on|listen|watch|subscribe|attach|bind|hook|before"
    r"|after|use|route|method|middleware|check|validate|warn|start|run|serve|open)"
)
_REPEATED = re.compile(
    r"^_*(on_|handle|process|dispatch|acquire|submit|send|publish|receive|recv|request|fetch|call"
    r"|execute|query|emit|log|record|track|invoke|notify|enqueue|push|wait|wait_for|schedule|spawn|start_"
    r"|connect|checkout|get|lookup|find|resolve|render|predict|step|tick|poll|consume|observe|callback"
    r"|__call__|__getitem__|__getattr__|forward|write|put|subscribe|allocate|report|measure)"
)


@dataclass(frozen=True, slots=True)
class _Container:
    """A name that is bound to an empty container."""

    name: str
    owner: ClassOutline | None
    maker: str
    lines: frozenset[int]


def find(outline: Outline) -> Iterator[Retention]:
    """Look at containers of the module, of its classes, and of their instances."""
    for container in _of_module(outline):
        yield from _global(outline, container)
    for container in _of_instances(outline):
        yield from _attribute(outline, container)


def maker(value: ast.expr | None) -> str | None:
    """Name the kind of container that an expression makes, if it is empty and has no limit."""
    if isinstance(value, ast.Dict) and not value.keys:
        return "dict"
    if isinstance(value, ast.List) and not value.elts:
        return "list"
    if isinstance(value, ast.Call):
        name = last_name(value.func)
        if name not in _MAKERS or any(item.arg == "maxlen" for item in value.keywords):
            return None
        if not value.args or name == "defaultdict":
            return name
        if name == "deque" and len(value.args) == 1:
            return name if maker(value.args[0]) else None
    return None


def _of_module(outline: Outline) -> Iterator[_Container]:
    for owner, statements in (
        (None, outline.statements),
        *((c, c.statements) for c in outline.classes),
    ):
        for statement in statements:
            if not isinstance(statement, (ast.Assign, ast.AnnAssign)):
                continue
            kind = maker(statement.value)
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if kind is None or len(targets) != 1 or not isinstance(targets[0], ast.Name):
                continue
            name = targets[0].id
            if not name.startswith("__"):
                yield _Container(name, owner, kind, frozenset({statement.lineno}))


def _of_instances(outline: Outline) -> Iterator[_Container]:
    data = outline.source.data
    made: dict[tuple[str, ClassOutline], list[int]] = {}
    for match in _ATTRIBUTE.finditer(data):
        line = outline.line_of(match.start())
        function = outline.function_at(line)
        if function is None or function.owner is None:
            continue
        if function.node.name not in ("__init__", "__new__", "__post_init__"):
            continue
        made.setdefault((match[1].decode(), function.owner), []).append(line)
    for (name, owner), lines in made.items():
        if len(lines) > 1:
            continue
        init = owner.methods.get("__init__") or owner.methods.get("__new__")
        kind = _made_as(outline, init or owner.methods["__post_init__"], lines[0])
        if kind is not None:
            yield _Container(name, owner, kind, frozenset(lines))


def _made_as(outline: Outline, function: Definition, line: int) -> str | None:
    text = outline.source.data[outline.line_starts[line - 1] :].partition(b"=")[2].lstrip()
    for start, kind in ((b"[", "list"), (b"{", "dict"), (b"set", "set")):
        if text.startswith(start):
            return kind
    for node in function.body.nodes:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.lineno == line:
            return maker(node.value)
    return None


def _global(outline: Outline, container: _Container) -> Iterator[Retention]:
    owner, name = container.owner, container.name
    found = uses(outline, name, container.lines, owner, attribute=owner is not None)
    if found.settled or not found.grown:
        return
    places = {name} if owner is None else {f"{owner.name}.{name}", f"cls.{name}", f"self.{name}"}
    if owner is not None and few_instances(owner):
        return
    reads = container.maker == "defaultdict"
    where = "the module" if owner is None else f"the class {owner.name}"
    for function in outline.functions_at(iter(found.grown)):
        if owner is None and _is_local(function, name):
            continue
        for site in growth.growths(function, frozenset(places), reads=reads):
            item = _global_site(outline, container, site, where)
            if item is not None:
                yield item
                return


def _global_site(
    outline: Outline, container: _Container, site: Growth, where: str
) -> Retention | None:
    function, owner, name = site.function, container.owner, container.name
    instance = function.self_name
    itself = instance is not None and any(
        isinstance(item, ast.Name) and item.id == instance
        for value in (*site.values, *([site.key] if site.key is not None else []))
        for item in [value]
    )
    always_new = growth.fresh(function, site.key)
    made = None
    if itself and function.node.name in ("__init__", "__new__", "__enter__"):
        assert function.owner is not None  # it has an instance
        if few_instances(function.owner):
            return None
        made = made_at(outline, function.owner)
        what = f"every instance of {function.owner.name}"
    elif _registers(site) and not always_new:
        return None
    elif itself or _by_identity(site):
        if function.owner is None or few_instances(function.owner):
            return None
        what = f"every {function.owner.name} that calls {function.node.name}()"
    elif site.key is not None:
        if growth.finite(function, site.key) or not growth.from_outside(function, site.key):
            return None
        what = f"an entry for every {ast.unparse(site.key)[:40]}"
    else:
        if not any(growth.from_outside(function, value) for value in site.values):
            return None
        what = f"what {function.node.name}() adds"
    evident = made is not None or (always_new and _is_repeated(function))
    return Retention(
        GLOBAL,
        site.node,
        f"{name} of {where} keeps {what}; nothing removes it",
        "container",
        0.85 if evident else 0.5,
        evident=evident,
        steps=(
            (min(container.lines), f"{name} is made once, empty and without a limit"),
            (site.node.lineno, f"{function.node.name}() adds to it each time"),
            *([(made, "instances are made here")] if made is not None else []),
        ),
        unless_shrunk=((owner.name if owner else None, name),),
    )


def _by_identity(site: Growth) -> bool:
    """Whether the key is `id(self)`."""
    key, instance = site.key, site.function.self_name
    return (
        isinstance(key, ast.Call)
        and last_name(key.func) == "id"
        and any(isinstance(item, ast.Name) and item.id == instance for item in key.args)
    )


def _registers(site: Growth) -> bool:
    """Whether the function is there to fill the container: a registry, a decorator."""
    body = site.function.body
    around = [item for item in body.around(site.node) if isinstance(item, FunctionNode)]
    if any(_REGISTERS.search(item.name) for item in around):
        return True
    stored = {item.id for value in site.values for item in [value] if isinstance(item, ast.Name)}
    return any(
        isinstance(node.value, ast.Name)
        and node.value.id in stored & set(parameters(around[0]))
        and body.function_of(node) is around[0]
        for node in body.every(ast.Return)
    )


def _is_repeated(function: Definition) -> bool:
    return _REGISTERS.search(function.node.name) is None and function.node.name != "__init__"


def _is_local(function: Definition, name: str) -> bool:
    arguments = function.node.args
    if any(
        name == item.arg
        for item in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    ):
        return True
    declared = any(name in node.names for node in function.body.every(ast.Global))
    return not declared and any(
        node.id == name and isinstance(node.ctx, ast.Store)
        for node in function.body.every(ast.Name)
    )


def _attribute(outline: Outline, container: _Container) -> Iterator[Retention]:
    owner, name = container.owner, container.name
    assert owner is not None  # found in a class
    found = uses(outline, name, container.lines, owner, attribute=True, of_instances=True)
    if found.settled or not found.grown or few_instances(owner):
        return
    lived = long_lived(outline, owner, queue=container.maker == "deque")
    for function in outline.functions_at(iter(found.grown)):
        own = _places(function, container)
        for site in growth.growths(function, own, reads=container.maker == "defaultdict"):
            if site.key is not None and growth.finite(function, site.key):
                continue
            kept = site.values if site.key is None else (site.key,)
            item = None
            why = _replaced(outline, site) or let_go_beside(outline, site) or _ends(outline, site)
            if why is not None:
                item = _grown(container, site, why, found.emptied)
            elif (
                lived is not None
                and function.owner is owner
                and ENDS.search(function.node.name) is None
                and (
                    _takes_traffic(function, container)
                    or (is_shared(outline, owner) and _takes_arguments(site))
                )
                and any(growth.from_outside(function, value) for value in kept)
            ):
                item = _grown(container, site, (owner.node.lineno, lived), found.emptied)
            if item is not None:
                yield item
                return


def _places(function: Definition, container: _Container) -> frozenset[str]:
    """Give how a function writes the container: of its own instance, or of one that it is given."""
    name, instance = container.name, function.self_name
    if function.owner is container.owner:
        return frozenset({f"{instance}.{name}"} if instance is not None else ())
    given = set(parameters(function.node)) - {instance}
    return frozenset(f"{one}.{name}" for one in given)


def _grown(
    container: _Container, site: Growth, why: tuple[int, str], emptied: int | None
) -> Retention:
    owner, name, function = container.owner, container.name, site.function.node.name
    assert owner is not None  # an instance has it
    return Retention(
        ATTRIBUTE,
        site.node,
        f"{name} of {owner.name} grows with every {function}(), and nothing removes anything from "
        + ("it" if emptied is None else "it before its end"),
        "container",
        0.4 if emptied is None else 0.3,
        steps=(
            (min(container.lines), f"{name} is made, empty and without a limit"),
            why,
            (site.node.lineno, f"{function}() adds to it each time"),
            *([(emptied, "it is emptied only here")] if emptied is not None else []),
        ),
        unless_shrunk=((owner.name, name),),
    )


_FINISHES = frozenset({"Thread", "Process", "Timer", "Popen", "create_subprocess_exec"})


def _ends(outline: Outline, site: Growth) -> tuple[int, str] | None:
    """Say where what is added is started: a task or a thread that is done soon, and stays."""
    body, name = site.function.body, site.function.node.name
    if name in ("__init__", "__enter__", "start", "__aenter__") or ENDS.search(name):
        return None
    if body.loop_of(site.node) is not None:
        # As many as the loop has passes, and mostly they are joined behind it.
        return None
    for value in site.values if site.key is None else ():
        made = [value] if isinstance(value, ast.Call) else []
        if isinstance(value, ast.Name):
            made = [
                node.value
                for node in body.every(ast.Assign)
                if isinstance(node.value, ast.Call)
                and any(isinstance(t, ast.Name) and t.id == value.id for t in node.targets)
            ]
        for one in made:
            if starts_task(outline, one):
                return one.lineno, "a task that is done stays in it"
            if last_name(one.func) in _FINISHES:
                return one.lineno, "a thread or process that has ended stays in it"
    return None


def _replaced(outline: Outline, site: Growth) -> tuple[int, str] | None:
    """Say where the attribute that is added to a list gives its value up; the list keeps it."""
    instance = site.function.self_name
    for value in site.values if site.key is None else ():
        place = dotted(value)
        if instance is None or place is None or not place.startswith(f"{instance}."):
            continue
        attribute = place.partition(".")[2]
        pattern = rb"\bself\.%b = None\b" % re.escape(attribute.encode())
        for match in re.finditer(pattern, outline.source.data):
            line = outline.line_of(match.start())
            function = outline.function_at(line)
            if (
                function is not None
                and function.owner is site.function.owner
                and function is not site.function
                and function.node.name != "__init__"
            ):
                return line, f"{place} is given up here, and another one is made later"
    return None


def _takes_arguments(site: Growth) -> bool:
    """Whether a method is given something new each time, and is not there to fill or count."""
    function, name = site.function, site.function.node.name
    if isinstance(site.node, ast.AugAssign) and site.key is not None:
        return False
    return (
        len(parameters(function.node)) > 1
        and not name.startswith("__")
        and _REGISTERS.search(name) is None
        and _FILLS.match(name) is None
    )


def _takes_traffic(function: Definition, container: _Container) -> bool:
    name = function.node.name
    if name in ("__init__", "__new__", "__post_init__") or _REGISTERS.search(name):
        return False
    return (
        isinstance(function.node, ast.AsyncFunctionDef)
        or _REPEATED.match(name) is not None
        or container.maker == "deque"
    )
