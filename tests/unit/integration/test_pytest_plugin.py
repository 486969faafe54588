"""The plugin on leaking and clean tests, in a pytest of their own."""

from __future__ import annotations

import importlib.metadata

import pytest

pytest_plugins = ["pytester"]

PLUGIN = "kimera_leakguard_native.integration.pytest_plugin"

LEAKING = """
import functools, pytest

KEPT, NAMED, BUFFER = [], {}, bytearray()
pytestmark = pytest.mark.klg_no_leak(repeats=24, warmup=2)

def test_list():
    KEPT.append("text %d" % len(KEPT))

def test_dict_of_lists():
    NAMED[len(NAMED)] = [1.5] * 40

class Page:
    @functools.lru_cache(maxsize=None)
    def render(self, number):
        return "<p>%d</p>" % number * 10

def test_cached_method():
    Page().render(3)

def test_object_without_name():
    KEPT.append(object())

def test_in_a_fixture(remembering):
    assert remembering

@pytest.fixture
def remembering():
    KEPT.append(bytes(200))
    yield True

@pytest.mark.klg_no_leak(repeats=48)
def test_buffer():
    BUFFER.extend(bytes(9000))
"""

CLEAN = """
import collections, json, pytest

CACHE, RING = {}, collections.deque(maxlen=6)
pytestmark = pytest.mark.klg_no_leak(repeats=24, warmup=2)

def test_nothing():
    pass

def test_churn():
    assert json.loads(json.dumps({"a": list(range(200))}))["a"][3] == 3

def test_cycle():
    loop = {"payload": bytes(300)}
    loop["self"] = loop

def test_function_fixture(store):
    store.append(bytes(500))

@pytest.fixture
def store():
    return []

@pytest.fixture(scope="module")
def shared():
    return {}

def test_shared_fixture(shared):
    shared["answer"] = bytes(300)

def test_bounded_cache():
    CACHE[len(CACHE) % 5] = bytes(100)

def test_ring():
    RING.append(bytes(120))

def test_files(tmp_path):
    (tmp_path / "a").write_text("text")
    assert (tmp_path / "a").read_text() == "text"

def test_output(capsys):
    print("hello " * 50)
    assert capsys.readouterr().out

@pytest.mark.parametrize("number", [1, 2])
def test_parametrized(number):
    assert [number] * 100

class TestClass:
    def setup_method(self):
        self.rows = [bytes(64) for _ in range(20)]

    def test_method(self):
        assert len(self.rows) == 20
"""


@pytest.fixture
def run(pytester):
    entry_points = importlib.metadata.entry_points(group="pytest11")
    known = any(one.value == PLUGIN for one in entry_points)
    pytester.makeini("[pytest]\n")

    def start(source, *options):
        pytester.makepyfile(source)
        plugin = () if known else ("-p", PLUGIN)
        return pytester.runpytest_subprocess(*plugin, "-p", "no:cacheprovider", *options)

    return start


@pytest.mark.slow
def test_every_leaking_test_fails_and_names_its_line(run):
    result = run(LEAKING)
    result.assert_outcomes(failed=6)
    text = result.stdout.str()
    for number, line in enumerate(LEAKING.strip().splitlines(), 1):
        if any(mark in line for mark in ("KEPT.append", "NAMED[", 'return "<p>', "BUFFER.ext")):
            assert f".py:{number}: " in text, line
    assert "every run of this test leaves memory behind" in text


@pytest.mark.slow
def test_no_clean_test_fails(run):
    run(CLEAN).assert_outcomes(passed=12)


PLAIN = """
KEPT = []
def test_leaks():
    KEPT.append(bytes(100))
"""


def test_without_mark_or_option_a_test_runs_once(run):
    run(PLAIN + "def test_once():\n    assert len(KEPT) == 1\n").assert_outcomes(passed=2)


def test_the_option_checks_all(run):
    result = run(PLAIN, "--klg", "--klg-repeats", "20", "--klg-warmup", "1")
    result.assert_outcomes(failed=1)


def test_a_failing_and_a_skipped_test_stay_what_they_are(run):
    source = """
import pytest
RUNS = []
@pytest.mark.klg_no_leak
def test_fails():
    RUNS.append(1)
    assert len(RUNS) < 7, "seventh"
@pytest.mark.klg_no_leak
def test_skips():
    pytest.skip("not here")
@pytest.mark.klg_no_leak
def test_error(broken):
    pass
@pytest.fixture
def broken():
    raise OSError("no")
def test_after():
    assert len(RUNS) == 7
"""
    result = run(source)
    result.assert_outcomes(failed=1, skipped=1, errors=1, passed=1)
    result.stdout.fnmatch_lines(["*seventh*"])


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ("repeats=3", "expected an int of 16 or more"),
        ("warmup=-1", "expected an int of 0 or more"),
        ("times=3", "takes repeats= and warmup="),
        ("40", "takes repeats= and warmup="),
    ],
)
def test_a_mark_that_cannot_be_is_refused(run, mark, message):
    result = run(f"import pytest\n@pytest.mark.klg_no_leak({mark})\ndef test(): pass\n")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stdout.str() + result.stderr.str()


def test_disabled_it_does_nothing(run, monkeypatch):
    monkeypatch.setenv("KLG_DISABLE", "1")
    run(PLAIN, "--klg").assert_outcomes(passed=1)


def test_a_sampler_that_runs_already_is_said(run):
    source = """
import kimera_leakguard_native as klg
def test_runs():
    klg.start()
def test_unchecked():
    pass
def test_stop():
    klg.stop()
"""
    run(source, "--klg-repeats", "16").assert_outcomes(passed=3)
