"""Alerts are raised once, with ids of their own, and kept within bounds."""

from __future__ import annotations

from datetime import datetime, timedelta

from kimera_leakguard_native.guardian.alerts import KEPT, AlertBook, Reading

NOON = datetime(2026, 1, 1, 12)  # noqa: DTZ001


def reading(value: float, component: str = "process") -> Reading:
    return Reading(component, "HIGH", value, 100.0, f"{value} of 100")


def test_an_alert_is_raised_once_while_it_lasts() -> None:
    book = AlertBook()
    assert len(book.judge([reading(101)], NOON, 5.0)) == 1
    assert book.judge([reading(150)], NOON, 5.0) == []
    assert book.judge([reading(95)], NOON, 5.0) == []  # not clearly over yet
    assert book.judge([reading(101)], NOON, 5.0) == []
    assert book.judge([reading(90)], NOON, 5.0) == []  # over
    assert len(book.judge([reading(101)], NOON, 5.0)) == 1
    assert book.total == 2


def test_the_limit_itself_is_no_alert() -> None:
    assert AlertBook().judge([reading(100)], NOON, 5.0) == []


def test_an_alert_that_stays_is_repeated_after_an_hour() -> None:
    book = AlertBook()
    book.judge([reading(101)], NOON, 5.0)
    assert book.judge([reading(101)], NOON + timedelta(minutes=59), 5.0) == []
    assert len(book.judge([reading(101)], NOON + timedelta(minutes=60), 5.0)) == 1


def test_ids_are_unique_and_fields_are_filled() -> None:
    book = AlertBook()
    alerts = book.judge([reading(101), reading(200, "gpu")], NOON, 5.0)
    assert len({alert.alert_id for alert in alerts}) == 2
    assert alerts[0].memory_usage_mb == 5.0
    assert alerts[0].threshold_mb == 100.0
    assert book.recent(NOON) == alerts
    assert book.recent(NOON + timedelta(seconds=1)) == []


def test_only_the_last_are_kept() -> None:
    book = AlertBook()
    for number in range(KEPT + 20):
        book.judge([reading(101)], NOON + timedelta(hours=number), 5.0)
    assert len(book.kept()) == KEPT
    assert book.total == KEPT + 20
