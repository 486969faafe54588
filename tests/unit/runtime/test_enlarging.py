"""One object that grows is told from one that is emptied, that doubles, and from many."""

import math

import pytest

from kimera_leakguard_native.runtime.detectors.enlarging import Size, enlarging

NOW = 60.0


def sizes(bytes_at, share=1.0, every=1.5):
    times = [every * k for k in range(1, int(NOW / every) + 1)]
    return [Size(t, round(bytes_at(t) / share), round(bytes_at(t))) for t in times]


def overallocated(t, rate=20_000):
    size = 16_384.0
    while size < rate * t:
        size *= 1.125  # as bytearray, list and BytesIO do
    return size


@pytest.mark.parametrize("bytes_at", [lambda t: 20_000 * t, overallocated])
def test_a_buffer_that_only_grows_is_seen_with_its_rate(bytes_at):
    found = enlarging(sizes(bytes_at), NOW)
    assert found is not None
    assert 14_000 < found.bytes_per_s < 26_000
    assert "of 5 steps in time, and never shrank" in found.reason


@pytest.mark.parametrize(
    "bytes_at",
    [
        lambda t: 1_000_000.0,
        lambda t: 20_000 * (t % 7),
        lambda t: 20_000 * (t % 26),
        lambda t: 2 ** math.floor(math.log2(20_000 * t)),  # a dict's table
        lambda t: 1_000_000 * (1 - math.exp(-t / 12)),
        lambda t: 20_000 * min(t, 45),
        lambda t: 800 * t + 16_384,
    ],
)
def test_what_is_emptied_doubles_fades_stops_or_is_small_is_not(bytes_at):
    assert enlarging(sizes(bytes_at), NOW) is None


def test_many_blocks_are_left_to_their_ages():
    assert enlarging(sizes(lambda t: 20_000 * t, share=0.5), NOW) is None


def test_a_short_run_says_nothing():
    short = [one for one in sizes(lambda t: 20_000 * t, every=0.2) if one.time <= 9.0]
    assert enlarging(short, 9.0) is None
