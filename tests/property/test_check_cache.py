"""Whatever is edited between two runs, a run over a warm cache says what a run without one says."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from kimera_leakguard_native.analysis import engine
from kimera_leakguard_native.model.finding import TIERS
from kimera_leakguard_native.reporters import check_json

MODULES = ("a", "b", "c", "d", "pkg/e")

# What one function of a module does, the function of the next module being {other}. Most of it
# concerns what a caller may believe about the argument, so that an edit is felt elsewhere.
CALLS = (
    "    file = open(x)\n    {other}(file)\n",
    "    {other}(x)\n",
    "    file = open(x)\n    if {other}(x):\n        return None\n    file.close()\n",
    "    file = open(x)\n    {other}(x)\n    file.close()\n",
    "    file = {other}(x)\n    return file.read()\n",
    "    return {other}(x)\n",
    "    with open(x) as file:\n        return {other}(file)\n",
)
ENDINGS = (
    "    pass\n",
    "    x.close()\n",
    "    return x.read()\n",
    "    if x:\n        x.close()\n",
    "    raise ValueError(x)\n",
    "    KEPT.append(x)\n",
    "    return open(x)\n",
)
ENDS = ("", "\n\nKEPT = []\n", "\n\ndef f(x):\n    return 1\n", "\n\n# klg: file-ignore\n")
FORMS = (
    "def {name}(x):\n{body}",
    "class K:\n    def m(self, x):\n{inner}\n\n{name} = K().m\n",
    "def _wrapped(x):\n{body}\n\ndef {name}(x, flag=True):\n    return _wrapped(x)\n",
)

edits = st.tuples(
    st.sampled_from(MODULES),
    st.one_of(st.sampled_from(CALLS), st.sampled_from(ENDINGS)),
    st.one_of(st.just(FORMS[0]), st.sampled_from(FORMS)),
    st.one_of(st.just(""), st.sampled_from(ENDS)),
)


def write(folder, module, body, form=FORMS[0], end=""):
    following = MODULES[(MODULES.index(module) + 1) % len(MODULES)]
    name, other = f"f_{module[-1]}", f"f_{following[-1]}"
    body = body.replace("{other}", other)
    inner = "".join(f"    {line}\n" for line in body.splitlines())
    text = form.replace("{name}", name).replace("{body}", body).replace("{inner}", inner)
    text = f"from {following.replace('/', '.')} import {other}\n\n\n{text}{end}"
    (folder / f"{module}.py").write_text(text, encoding="utf-8")


def report(folder, options):
    result = engine.check([str(folder)], options)
    result.statistics.seconds = 0.0
    return check_json.render(result), result.statistics.cached_files


@settings(max_examples=60, deadline=None)
@given(start=st.lists(edits, max_size=3), later=st.lists(edits, min_size=1, max_size=5))
def test_a_warm_run_says_what_a_cold_one_says(start, later):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "tree"
        (folder / "pkg").mkdir(parents=True)
        (folder / "pkg" / "__init__.py").touch()
        for module, body in zip(MODULES, (*CALLS[:2], *CALLS[1:2], *ENDINGS[:2]), strict=True):
            write(folder, module, body)
        for edit in start:
            write(folder, *edit)
        warm = engine.Options(tiers=TIERS, cache=Path(name) / "cache")
        cold = engine.Options(tiers=TIERS)
        report(folder, warm)
        for edit in later:
            write(folder, *edit)
            expected, _ = report(folder, cold)
            assert report(folder, warm)[0] == expected
            assert report(folder, warm) == (expected, len(MODULES) + 1)
