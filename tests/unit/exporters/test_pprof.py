from __future__ import annotations

import gzip

import pytest
from pprof_messages import decode, samples

from kimera_leakguard_native.exporters import collapsed, pprof
from kimera_leakguard_native.model.profile import HeapProfile, StackTotals

PROFILE = HeapProfile(
    12.5,
    524288.0,
    names=[("/srv/app.py", "main"), ("/srv/app;\n<b>\udc80.py", "grow")],
    calls=[(-1, 0, 9), (0, 1, 4), (0, 0, 9)],
    stacks=[
        StackTotals(1, 1000.4, 3e9, 10.6, 40960.2),
        StackTotals(2, 5.0, 500.0, 0.0, 0.0),
        StackTotals(-1, 2.0, 1 << 40, 2.0, 1 << 40),
    ],
)


def test_the_published_messages_hold_every_figure() -> None:
    message = decode(pprof.encode(PROFILE, 1_700_000_012.5, "service"))
    text = message["string_table"]
    assert text[0] == ""
    kinds = [(text[int(t["type"])], text[int(t["unit"])]) for t in message["sample_type"]]
    assert kinds == [
        ("alloc_objects", "count"),
        ("alloc_space", "bytes"),
        ("inuse_objects", "count"),
        ("inuse_space", "bytes"),
    ]
    assert text[int(message["default_sample_type"])] == "inuse_space"
    assert text[int(message["period_type"]["type"])] == "space"
    assert text[int(message["period_type"]["unit"])] == "bytes"
    assert int(message["period"]) == 524288
    assert int(message["time_nanos"]) == 1_700_000_000 * 10**9
    assert int(message["duration_nanos"]) == 12_500_000_000
    (mapping,) = message["mapping"]
    assert text[int(mapping["filename"])] == "service"
    assert mapping["has_functions"]
    main, grow = ("main", "/srv/app.py", 9), ("grow", "/srv/app;\n<b>?.py", 4)
    assert samples(message) == {
        (grow, main): [1000, 3_000_000_000, 11, 40960],
        (main, main): [5, 500, 0, 0],
        ((pprof.NO_STACK, "", 0),): [2, 1 << 40, 2, 1 << 40],
    }


def test_equal_profiles_are_equal_bytes_and_each_call_is_written_once() -> None:
    data = pprof.encode(PROFILE, 1.0)
    assert data == pprof.encode(PROFILE, 1.0)
    message = decode(data)
    assert len(message["location"]) == 3
    assert len(message["function"]) == 3


def test_an_empty_profile_is_a_profile() -> None:
    message = decode(pprof.encode(HeapProfile(0.0, 0.0), 5.0))
    assert "sample" not in message
    assert len(message["sample_type"]) == 4


@pytest.mark.parametrize("values", [1, 127, 128, 16383, 16384, 2**31, 2**62])
def test_numbers_of_every_length(values: int) -> None:
    profile = HeapProfile(0.0, 0.0, stacks=[StackTotals(-1, values, values, 0.0, 0.0)])
    (found,) = samples(decode(pprof.encode(profile, 0.0))).values()
    assert found == [values, values, 0, 0]


def test_the_file_is_gzip() -> None:
    assert gzip.decompress(pprof.encode(PROFILE, 0.0))[0] == 0x0A  # field 1, bytes


def test_collapsed_stacks_are_a_line_each_whatever_the_names() -> None:
    lines = collapsed.encode(PROFILE).splitlines()
    assert lines == [
        "main (/srv/app.py:9);grow (/srv/app, <b>\udc80.py:4) 40960",
        f"{pprof.NO_STACK} {1 << 40}",
    ]
