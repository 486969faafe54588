"""Whatever happens to the bytes of a capture, its last untouched record is read."""

from hypothesis import given, settings
from hypothesis import strategies as st

from kimera_leakguard_native.reporters.run_capture import MARKER, framed, last_whole

# Bodies that hold markers, and parts of them, are the hard ones.
bodies = st.lists(
    st.one_of(st.binary(max_size=40), st.sampled_from([MARKER, MARKER[:3], MARKER * 2, b""])),
    min_size=1,
    max_size=8,
)


def ends(records):
    total, found = 0, []
    for record in records:
        total += len(record)
        found.append(total)
    return found


@settings(max_examples=300, deadline=None)
@given(bodies, st.data())
def test_after_a_cut_at_any_byte(contents, data):
    records = [framed(body) for body in contents]
    whole = b"".join(records)
    cut = data.draw(st.integers(0, len(whole)))
    kept = [body for body, end in zip(contents, ends(records), strict=True) if end <= cut]
    assert last_whole(whole[:cut]) == (kept[-1] if kept else None)


@settings(max_examples=300, deadline=None)
@given(bodies, st.data())
def test_after_damage_to_any_bytes(contents, data):
    records = [framed(body) for body in contents]
    whole = bytearray(b"".join(records))
    first = data.draw(st.integers(0, len(whole) - 1))
    # A burst of up to 32 bits, which the checksum is sure to notice.
    burst = data.draw(st.lists(st.integers(1, 255), min_size=1, max_size=4))
    touched = range(first, min(first + len(burst), len(whole)))
    for at, change in zip(touched, burst, strict=False):
        whole[at] ^= change
    starts = [0, *ends(records)]
    kept = [
        body
        for body, begin, end in zip(contents, starts, starts[1:], strict=False)
        if touched.stop <= begin or end <= first
    ]
    assert last_whole(bytes(whole)) == (kept[-1] if kept else None)


@settings(max_examples=300, deadline=None)
@given(bodies, st.binary(max_size=60), st.binary(max_size=40))
def test_after_anything_that_is_no_record(contents, torn, last):
    whole = b"".join(framed(body) for body in contents)
    assert last_whole(whole + torn) == contents[-1]
    # A writer that goes on after a torn record is read, too.
    assert last_whole(whole + torn + framed(last)) == last
