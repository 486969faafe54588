"""Our walk sees what `ast.walk` sees, operators and contexts aside."""

import ast
import inspect
import textwrap

import pytest

from kimera_leakguard_native.analysis import syntax

_PLACELESS = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)
SOURCES = {
    "ast": inspect.getsource(ast),
    "textwrap": inspect.getsource(textwrap),
    "everything": """
        @d(1)
        async def f(a, /, b: int = 1, *c, d=2, **e) -> None:
            global g
            async with x as y, z: pass
            async for i in j: await k
            else: yield
            match v:
                case {"a": 1, **rest} | [1, *_] if c: pass
                case C(1, k=None) as whole: pass
            try: raise E from e
            except (A, B) as n: del o[1:2:3], p.q
            else: assert r, s
            finally: return {**t, "u": v}, {*w}, f"{x!r:>{y}}", [z async for z in z if z]
        class D(B, metaclass=M):
            nonlocal_ = lambda *args: (yield from args)
            a: int = 1
            b += -c ** not_d if e and f or g < h <= i else (j := k)
            import l.m as n
            from . import o
    """,
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_node_with_a_place_is_seen_once(name):
    tree = ast.parse(textwrap.dedent(SOURCES[name]))
    expected = [id(node) for node in ast.walk(tree) if not isinstance(node, _PLACELESS)]
    seen = [id(node) for node in syntax.walk(tree)]
    assert sorted(seen) == sorted(expected)


@pytest.mark.parametrize("name", SOURCES)
def test_children_come_in_the_order_of_the_fields(name):
    for node in ast.walk(ast.parse(textwrap.dedent(SOURCES[name]))):
        expected = [one for one in ast.iter_child_nodes(node) if not isinstance(one, _PLACELESS)]
        assert syntax.children(node) == expected
