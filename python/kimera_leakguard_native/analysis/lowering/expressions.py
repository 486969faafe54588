"""Expressions: every intermediate value gets a temporary, and thereby an owner."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis import ir
from kimera_leakguard_native.analysis.cfg import Loop
from kimera_leakguard_native.analysis.lowering import conditions
from kimera_leakguard_native.analysis.lowering.builder import LoopFrame
from kimera_leakguard_native.analysis.lowering.captures import captured_names
from kimera_leakguard_native.analysis.names import evaluated_here

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.lowering.builder import Builder

_ARITHMETIC = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.BitAnd: "&",
    ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>", ast.Pow: "**",
}  # fmt: skip
_DISPLAYS = {ast.Tuple: "tuple", ast.List: "list", ast.Set: "set"}
CLASS_BODY = "%class."
"""Begins the places of names that the body of a class binds."""


def lower(b: Builder, node: ast.expr) -> ir.Operand:
    """Lower an expression and give its value."""
    if isinstance(node, ast.Constant):
        return ir.Literal(node.value)
    if isinstance(node, ast.Name):
        return b.variable(node.id)
    if isinstance(node, ast.Call):
        return _call(b, node)
    if isinstance(node, ast.Attribute):
        return _attribute(b, node)
    if isinstance(node, (ast.BoolOp, ast.IfExp)):
        return _choice(b, node)
    if isinstance(node, ast.Compare) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    ):
        return _truth_value(b, node)
    target = b.temporary()
    line = node.lineno
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        elements = tuple(_element(b, item) for item in node.elts)
        starred = tuple(i for i, item in enumerate(node.elts) if isinstance(item, ast.Starred))
        kind = "list" if starred else _DISPLAYS[type(node)]
        b.emit(ir.Build(line, target, kind, elements, starred))
    elif isinstance(node, ast.Dict):
        _dict_display(b, node, target)
    elif isinstance(node, ast.Subscript):
        owner, key = lower(b, node.value), lower(b, node.slice)
        if isinstance(node.slice, ast.Tuple) and _selects(node.slice):
            key = ir.Opaque(b.number())
        b.emit(ir.GetItem(line, target, owner, key))
    elif isinstance(node, ast.BinOp):
        left, right = lower(b, node.left), lower(b, node.right)
        sign = _ARITHMETIC.get(type(node.op))
        if isinstance(node.op, ast.Mod) and not _is_text(node.left):
            sign = "%"
        if sign is None:
            b.emit(ir.Build(line, target, "text", (left, right)))
        else:
            b.emit(ir.Compute(line, target, ir.Arithmetic(sign, left, right)))
    elif isinstance(node, ast.UnaryOp):
        value = lower(b, node.operand)
        if isinstance(node.op, ast.USub):
            if isinstance(value, ir.Literal) and isinstance(value.value, (int, float)):
                return ir.Literal(-value.value)
            b.emit(ir.Compute(line, target, ir.Arithmetic("-", ir.Literal(0), value)))
        else:
            return ir.Opaque(b.number())
    elif isinstance(node, ast.NamedExpr):
        value = lower(b, node.value)
        assign(b, node.target, value, line)
        return value
    elif isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
        return _comprehension(b, node)
    elif isinstance(node, ast.Lambda):
        kept = tuple(
            value for item in evaluated_here(node) if isinstance(value := lower(b, item), str)
        )
        b.emit(ir.MakeClosure(line, target, (*captured_names(b, node), *kept), node))
    elif isinstance(node, ast.Await):
        b.emit(ir.Await(line, target, lower(b, node.value)))
    elif isinstance(node, (ast.Yield, ast.YieldFrom)):
        value = ir.Literal(None) if node.value is None else lower(b, node.value)
        if isinstance(node, ast.YieldFrom):
            # The items are handed out, the iterable stays here.
            iterator = b.temporary()
            b.emit(ir.Iterate(line, iterator, value))
            value = ir.Opaque(b.number())
        b.emit(ir.Yield(line, target, value))
    elif isinstance(node, (ast.JoinedStr, ast.FormattedValue)):
        parts = node.values if isinstance(node, ast.JoinedStr) else [node.value]
        b.emit(ir.Build(line, target, "text", tuple(lower(b, part) for part in parts)))
    elif isinstance(node, ast.Starred):
        return lower(b, node.value)
    elif isinstance(node, ast.Slice):
        bounds = [
            ir.Literal(None) if part is None else lower(b, part)
            for part in (node.lower, node.upper, node.step)
        ]
        return ir.Opaque(b.number(), _constant_bounds(bounds))
    else:
        return ir.Opaque(b.number())
    return target


def _constant_bounds(
    bounds: list[ir.Operand],
) -> tuple[int | None, int | None, int | None] | None:
    """Give the bounds of a slice where all are constants: an index is none of them."""
    values = [bound.value for bound in bounds if isinstance(bound, ir.Literal)]
    if len(values) < len(bounds) or any(type(v) not in (int, type(None)) for v in values):
        return None
    start, stop, step = values
    return start, stop, step


def _selects(key: ast.Tuple) -> bool:
    """Whether a tuple between brackets is no key, but selects from several dimensions."""
    return not key.elts or any(isinstance(item, ast.Slice) for item in key.elts)


def _element(b: Builder, node: ast.expr) -> ir.Operand:
    """Lower an element of a display; of a starred one, an iterator over it."""
    if not isinstance(node, ast.Starred):
        return lower(b, node)
    iterator = b.temporary()
    b.emit(ir.Iterate(node.lineno, iterator, lower(b, node.value)))
    return iterator


def _is_text(node: ast.expr) -> bool:
    """Whether ``%`` formats, as far as the source shows."""
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))
    )


_CASTS = frozenset({"typing.cast", "typing_extensions.cast"})


def _call(b: Builder, node: ast.Call) -> ir.Operand:
    called = node.func
    name: str | None = None
    receiver: ir.Operand | None = None
    method: str | None = None
    function: ir.Operand | None = None
    if isinstance(called, ast.Name):
        function = b.variable(called.id)
        if isinstance(function, ir.Global):
            name, function = function.name, None
    elif isinstance(called, ast.Attribute):
        name = _qualified(b, called)
        if name is None:
            receiver, method = lower(b, called.value), called.attr
    else:
        function = lower(b, called)
    arguments = tuple(lower(b, item) for item in node.args)
    if name in _CASTS and len(arguments) == 2:
        return arguments[1]
    keywords = tuple((item.arg or "**", lower(b, item.value)) for item in node.keywords)
    spread = any(isinstance(item, ast.Starred) for item in node.args) or any(
        item.arg is None for item in node.keywords
    )
    target = b.temporary()
    b.emit(
        ir.Call(
            line=node.lineno,
            target=target,
            name=name,
            receiver=receiver,
            method=method,
            function=function,
            arguments=arguments,
            keywords=keywords,
            spread=spread,
            end_line=node.end_lineno or node.lineno,
            column=node.col_offset,
            source=called,
        )
    )
    return target


def _qualified(b: Builder, node: ast.Attribute) -> str | None:
    """Qualify a chain of attributes whose root is an import, a class or a builtin."""
    parts: list[str] = []
    value: ast.expr = node
    while isinstance(value, ast.Attribute):
        parts.append(value.attr)
        value = value.value
    if not isinstance(value, ast.Name):
        return None
    root = b.variable(value.id)
    if not isinstance(root, ir.Global):
        return None
    own = f"{b.module.name}."
    if root.name.startswith(own) and root.name[len(own) :] not in b.module.classes:
        # A variable of the module: its attributes belong to an object, not to a namespace.
        return None
    if root.name.startswith("<outer>"):
        return None
    name = root.name
    for part in reversed(parts):
        name = b.module.member(name, part)
    return name


def _attribute(b: Builder, node: ast.Attribute) -> ir.Operand:
    name = _qualified(b, node)
    if name is not None:
        return ir.Global(name)
    owner = lower(b, node.value)
    target = b.temporary()
    b.emit(ir.GetAttribute(node.lineno, target, owner, node.attr))
    return target


def _choice(b: Builder, node: ast.BoolOp | ast.IfExp) -> ir.Operand:
    target = b.temporary()
    join = b.new_block()
    if isinstance(node, ast.IfExp):
        yes, no = b.new_block(), b.new_block()
        conditions.branch(b, node.test, yes.number, no.number)
        for block, value in ((yes, node.body), (no, node.orelse)):
            b.enter(block)
            result = lower(b, value)
            b.emit(ir.Assign(value.lineno, target, result))
            b.jump(join.number)
    else:
        for position, value in enumerate(node.values):
            result = lower(b, value)
            b.emit(ir.Assign(value.lineno, target, result))
            if position == len(node.values) - 1:
                b.jump(join.number)
                break
            more = b.new_block()
            when = (more.number, join.number)
            if isinstance(node.op, ast.Or):
                when = (join.number, more.number)
            conditions.end_branch(b, ir.Truth(target), *when, value)
            b.enter(more)
    b.enter(join)
    return target


def _truth_value(b: Builder, node: ast.expr) -> ir.Operand:
    condition = conditions.simple(b, node)
    target = b.temporary()
    if condition is not None:
        b.emit(ir.Compute(node.lineno, target, condition))
        return target
    yes, no, join = b.new_block(), b.new_block(), b.new_block()
    conditions.branch(b, node, yes.number, no.number)
    for block, value in ((yes, True), (no, False)):
        b.enter(block)
        b.emit(ir.Assign(node.lineno, target, ir.Literal(value)))
        b.jump(join.number)
    b.enter(join)
    return target


def _dict_display(b: Builder, node: ast.Dict, target: str) -> None:
    made = [
        (key, lower(b, key), lower(b, value))
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Call)
    ]
    values = [
        lower(b, item)
        for key, value in zip(node.keys, node.values, strict=True)
        if not isinstance(key, ast.Call)
        for item in (key, value)
        if item is not None
    ]
    b.emit(ir.Build(node.lineno, target, "dict", tuple(values)))
    for source, key, value in made:
        # What is made as a key is kept as one.
        b.emit(ir.SetItem(source.lineno, target, key, value))


def _comprehension(
    b: Builder, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
) -> ir.Operand:
    """Lower as the loop that it is; a generator expression as if it ran to its end at once."""
    names = {
        item.id
        for generator in node.generators
        for item in ast.walk(generator.target)
        if isinstance(item, ast.Name)
    }
    prefix = f"%c{b.number()}."
    renames = {name: prefix + name for name in sorted(names)}
    target = b.temporary()
    first = lower(b, node.generators[0].iter)
    if isinstance(node, ast.GeneratorExp):
        # The generator keeps what it iterates over.
        b.emit(ir.Iterate(node.lineno, target, first))
    else:
        kind = "dict" if isinstance(node, ast.DictComp) else "list"
        b.emit(ir.Build(node.lineno, target, kind, ()))
    b.renamed.append(renames)
    _generators(b, node, 0, first, target)
    b.renamed.pop()
    return target


def _generators(
    b: Builder,
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp,
    index: int,
    source: ir.Operand,
    target: str,
) -> None:
    if index == len(node.generators):
        key: ir.Operand = ir.Opaque(b.number())
        value = node.value if isinstance(node, ast.DictComp) else node.elt
        if isinstance(node, ast.DictComp):
            key = lower(b, node.key)
        b.emit(ir.SetItem(value.lineno, target, key, lower(b, value)))
        return
    generator = node.generators[index]
    assigned = frozenset(name for renames in b.renamed for name in renames.values())

    def body(continue_target: int) -> None:
        for test in generator.ifs:
            more = b.new_block()
            conditions.branch(b, test, more.number, continue_target)
            b.enter(more)
        following: ir.Operand = ir.Literal(None)
        if index + 1 < len(node.generators):
            following = lower(b, node.generators[index + 1].iter)
        _generators(b, node, index + 1, following, target)

    after, header, inside = b.new_block(), b.new_block(), b.new_block()
    iterator = b.temporary()
    line = generator.target.lineno
    b.emit(ir.Iterate(line, iterator, source))
    b.jump(header.number)
    b.enter(header)
    b.graph.loops[header.number] = Loop(header.number, assigned | {target})
    more = ir.Unknown(b.number(), "has another item", iterator)
    conditions.end_branch(b, more, inside.number, after.number, generator.iter)
    b.enter(inside)
    element = b.temporary()
    b.emit(ir.Next(line, element, iterator))
    assign(b, generator.target, element, line)
    b.frames.append(LoopFrame(after.number, header.number))
    body(header.number)
    b.frames.pop()
    b.jump(header.number)
    b.graph.loops[header.number].last = len(b.graph.blocks) - 1
    b.enter(after)


def assign(b: Builder, target: ast.expr, value: ir.Operand, line: int) -> None:
    """Store a value into whatever stands left of the equals sign."""
    if isinstance(target, ast.Name):
        place = b.target(target.id)
        if place is None:
            b.emit(ir.SetAttribute(line, ir.Global("<outer>"), target.id, value))
        elif place.startswith(CLASS_BODY):
            b.emit(ir.SetAttribute(line, ir.Global("<class>"), target.id, value))
        else:
            b.emit(ir.Assign(line, place, value))
    elif isinstance(target, ast.Attribute):
        b.emit(ir.SetAttribute(line, lower(b, target.value), target.attr, value))
    elif isinstance(target, ast.Subscript):
        owner = lower(b, target.value)
        b.emit(ir.SetItem(line, owner, lower(b, target.slice), value))
    elif isinstance(target, (ast.Tuple, ast.List)):
        parts = tuple(b.temporary() for _ in target.elts)
        starred = any(isinstance(item, ast.Starred) for item in target.elts)
        b.emit(ir.Unpack(line, parts, value, starred))
        for item, part in zip(target.elts, parts, strict=True):
            assign(b, item.value if isinstance(item, ast.Starred) else item, part, line)
    elif isinstance(target, ast.Starred):
        assign(b, target.value, value, line)
