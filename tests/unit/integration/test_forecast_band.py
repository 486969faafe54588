from __future__ import annotations

import math

import pytest

from kimera_leakguard_native.integration.forecast_band import forecast_band

MB = 2**20


def prediction(latest: float = 1900.0) -> dict[str, float]:
    return {
        "predicted_leak_time": 1600.0,
        "earliest": 1500.0,
        "latest": latest,
        "confidence": 0.9,
        "memory_limit_mb": 200.0,
    }


def test_lines_lead_from_now_to_the_limit() -> None:
    band = forecast_band(prediction(), 1000.0, 100 * MB)
    assert band["times"][0] == 1000.0
    assert band["times"][-1] == 1900.0
    for name in ("low", "middle", "high"):
        assert band[name][0] == 100 * MB
        assert band[name] == sorted(band[name])
        assert band[name][-1] == pytest.approx(200 * MB)
    reached = next(
        t for t, size in zip(band["times"], band["middle"], strict=True) if size >= 200 * MB
    )
    assert 1600.0 <= reached < 1650.0
    assert all(low <= high for low, high in zip(band["low"], band["high"], strict=True))
    assert "10 min" in band["text"]


def test_an_endless_interval_stays_level_below() -> None:
    band = forecast_band(prediction(math.inf), 1000.0, 100 * MB)
    assert set(band["low"]) == {100 * MB}
    assert band["times"][-1] == 1000.0 + 3 * 600.0


def test_without_a_prediction_there_are_no_lines() -> None:
    assert forecast_band(None, 0.0, 0.0) == {"text": "No exhaustion in sight."}
