"""Code as people write it: the line and the tier that a maintainer would agree with, or silence."""

import pytest
from twins import checking, pages

SHAPES = pages.shapes()
LEAKY = [shape for shape in SHAPES if shape.tiers]
CLEAN = [shape for shape in SHAPES if not shape.tiers]
DEFAULT_TIERS = frozenset("NED")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shapes")
    checking.write({shape.name: shape.source for shape in SHAPES}, folder)
    return folder


@pytest.fixture(scope="module")
def default(folder):
    return checking.findings(folder)


@pytest.fixture(scope="module")
def everything(folder):
    return checking.findings(folder, "--all")


def test_there_are_enough_of_both():
    assert len(LEAKY) >= 30
    assert len(CLEAN) >= 30
    assert len({shape.name for shape in SHAPES}) == len(SHAPES)


@pytest.mark.parametrize("shape", LEAKY, ids=lambda shape: shape.name)
def test_the_leak_is_found(shape, default, everything):
    shown = default if shape.tiers <= DEFAULT_TIERS else everything
    tiers = {finding["tier"] for finding in shown[shape.name] if finding["line"] == shape.line}
    assert tiers
    assert tiers <= shape.tiers


@pytest.mark.parametrize("shape", LEAKY, ids=lambda shape: shape.name)
def test_nothing_else_alarms_by_default(shape, default):
    assert {finding["line"] for finding in default[shape.name]} <= {shape.line}


@pytest.mark.parametrize("shape", CLEAN, ids=lambda shape: shape.name)
def test_good_code_is_silent(shape, default):
    assert default[shape.name] == []
