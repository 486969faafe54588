"""What other files do to a container decides whether it only grows."""

import pytest

from kimera_leakguard_native.analysis import engine
from kimera_leakguard_native.model.finding import TIERS

STORE = """
_titles = {}


def title_of(name):
    _titles[name] = name.title()
    return _titles[name]


class Gate:
    def __init__(self):
        self.waiters = []

    def acquire(self, waiter):
        self.waiters.append(waiter)

    def release(self):
        return any(waiter.done() for waiter in self.waiters)
"""


def codes(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    result = engine.check([str(folder)], engine.Options(tiers=TIERS))
    assert result.errors == []
    return [finding.code for finding in result.findings]


def test_a_container_that_no_file_shrinks_is_reported(tmp_path):
    assert codes(tmp_path, store=STORE, other="x = 1\n") == ["KLG203", "KLG204"]


@pytest.mark.parametrize(
    "other",
    [
        "import store\n\n\ndef reset():\n    store._titles.clear()\n",
        "from store import _titles\n\n\ndef forget(name):\n    del _titles[name]\n",
        "import store\n\n\ndef reset():\n    store._titles = {}\n",
    ],
)
def test_another_file_may_shrink_a_container_of_the_module(tmp_path, other):
    assert codes(tmp_path, store=STORE, other=other) == ["KLG204"]


def test_another_file_may_shrink_an_attribute(tmp_path):
    other = "def drain(gate):\n    gate.waiters.clear()\n"
    assert codes(tmp_path, store=STORE, other=other) == ["KLG203"]


def test_a_subclass_elsewhere_may_shrink_an_attribute(tmp_path):
    other = (
        "from store import Gate\n\n\nclass Open(Gate):\n"
        "    def drain(self):\n        self.waiters.clear()\n"
    )
    assert codes(tmp_path, store=STORE, other=other) == ["KLG203"]


def test_an_unrelated_class_elsewhere_says_nothing(tmp_path):
    other = "class Door:\n    def drain(self):\n        self.waiters.clear()\n"
    assert codes(tmp_path, store=STORE, other=other) == ["KLG203", "KLG204"]


def test_a_cached_result_follows_the_other_files(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    options = engine.Options(tiers=TIERS, cache=tmp_path / "cache")
    (source / "store.py").write_text(STORE, encoding="utf-8")
    (source / "other.py").write_text("x = 1\n", encoding="utf-8")
    before = [finding.code for finding in engine.check([str(source)], options).findings]
    (source / "other.py").write_text("import store\n\nstore._titles.clear()\n", encoding="utf-8")
    after = [finding.code for finding in engine.check([str(source)], options).findings]
    assert (before, after) == (["KLG203", "KLG204"], ["KLG204"])


@pytest.mark.parametrize("name", ["test_store.py", "tests/store.py", "conftest.py"])
def test_in_tests_only_proven_growth_counts(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    text = STORE + "\n\ndef mark(thing):\n    _seen[id(thing)] = thing\n\n\n_seen = {}\n"
    path.write_text(text, encoding="utf-8")
    result = engine.check([str(path)], engine.Options(tiers=TIERS))
    assert [finding.code for finding in result.findings] == ["KLG203"]
    assert "_seen" in result.findings[0].message


OWNER = (
    "from parts import Part\n\n\nclass Owner:\n    def __init__(self):\n        self.part = {}\n"
)


@pytest.mark.parametrize(
    ("made", "parts", "found"),
    [
        (
            "Part(self)",
            "class Part:\n    def __init__(self, owner):\n        self.owner = owner\n",
            1,
        ),
        (
            "Part(owner=self)",
            (
                "class Base:\n    def __init__(self, owner):\n        self.owner = owner\n\n\n"
                "class Part(Base):\n    pass\n"
            ),
            1,
        ),
        ("Part(self)", "class Part:\n    def __init__(self, owner):\n        owner.count()\n", 0),
        ("Part(1, self)", "class Part:\n    def __init__(self, a, b):\n        self.a = a\n", 0),
        ("Part(self)", "Part = object\n", 0),
    ],
)
def test_a_class_elsewhere_may_keep_what_its_constructor_is_given(tmp_path, made, parts, found):
    assert codes(tmp_path, owner=OWNER.format(made), parts=parts) == ["KLG416"] * found
