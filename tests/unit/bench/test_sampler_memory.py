"""The bound on our own memory: so much at once, so much a live sample, and a table that is full."""

from kimera_leakguard_native.bench.sampler_memory import (
    BYTES_A_SAMPLE,
    FIXED_BYTES,
    MAX_SAMPLES,
    own_bytes,
)


def test_ten_thousand_live_samples_stay_within_the_bound():
    own, live = own_bytes(10_000)
    assert live > 9_000
    assert own <= FIXED_BYTES + BYTES_A_SAMPLE * live


def test_however_much_is_alive_the_table_ends():
    own, live = own_bytes(100_000)
    assert live == MAX_SAMPLES
    assert own <= FIXED_BYTES + BYTES_A_SAMPLE * live
