from kimera_leakguard_native.analysis.definitions import definitions_in
from kimera_leakguard_native.analysis.outline import outline_of

LEAVES = b"class A(B):\n    def fail_with(self, text):\n        raise SystemExit(text)\n"
CALLS = b"def give_up(one):\n    one.fail_with('no')\n"
BACK = b"def fail_with(text):\n    return text\n"


def index(*sources):
    return definitions_in((f"{n}.py", outline_of(data)) for n, data in enumerate(sources))


def test_words_classes_and_new_names():
    outline = outline_of(LEAVES + b"from x import y as z\nwith a as b:\n    pass\n")
    assert {b"fail_with", b"SystemExit", b"self"} <= outline.words
    assert outline.classes == ("A", "z")
    assert outline.renamed == (("y", "z"),)


def test_a_name_leaves_if_each_of_its_definitions_might():
    assert index(LEAVES, CALLS).leaving == {"fail_with", "give_up"}
    assert index(LEAVES, CALLS, BACK).leaving == frozenset()
    assert index(LEAVES, CALLS, BACK).may_leave == {"fail_with", "give_up"}


def test_any_bytes_have_an_outline():
    assert outline_of(b"\xff\x00def \xfe(").definitions[0].leaves is False
    assert outline_of(b"").words == frozenset()
    assert outline_of(b"def ").definitions == ()
