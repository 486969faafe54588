import json
import os

import pytest

import kimera_leakguard_native
from kimera_leakguard_native.runtime.call_stacks import CallStacks, is_application


class FakeCapture:
    """Three nodes: an application frame calls the standard library, which calls a package."""

    def __init__(self, files):
        self.files = files

    def new_nodes(self):
        return [(0, 0, 0), *((k, k + 1, 10 * (k + 1)) for k in range(len(self.files)))]

    def new_codes(self):
        return [("", ""), *((file, f"f{k}") for k, file in enumerate(self.files, 1))]


def stacks(*files):
    table = CallStacks()
    table.read(FakeCapture(files))
    return table


PACKAGE = os.path.dirname(pytest.__file__)
OURS = os.path.dirname(kimera_leakguard_native.__file__)


def test_the_site_is_the_innermost_application_frame():
    table = stacks("/app/main.py", "/app/cache.py", json.__file__, f"{PACKAGE}/x.py")
    assert [frame.line for frame in table.frames(4)] == [40, 30, 20, 10]
    assert (table.site(4).file, table.site(4).line) == ("/app/cache.py", 20)
    assert not table.is_own(4)


def test_without_an_application_frame_it_is_the_innermost_one():
    table = stacks("<frozen runpy>", json.__file__)
    assert table.site(2).file == json.__file__


def test_the_unknown_stack_has_no_site():
    table = stacks()
    assert table.site(0) is None
    assert table.frames(0) == ()


def test_our_own_work_is_known():
    assert stacks(f"{OURS}/runtime/sampler.py", json.__file__).is_own(2)
    assert stacks("/app/main.py", f"{OURS}/runtime/sampler.py", json.__file__).is_own(3)
    assert not stacks(f"{OURS}/runtime/repeats.py", "/app/main.py", json.__file__).is_own(3)
    assert not stacks("/app/main.py", f"{OURS}/engines/decision_cache.py").is_own(2)


@pytest.mark.parametrize("file", ["<string>", "<frozen os>", os.__file__, pytest.__file__])
def test_what_is_not_an_application(file):
    assert not is_application(file)


def test_a_path_that_only_begins_like_a_library_is_an_application():
    assert is_application(os.path.dirname(os.__file__) + "-of-mine/module.py")
