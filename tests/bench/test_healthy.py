"""Labels count only for the very alarm that they were given to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.klg import Alarm, Checked
from healthy import advice, command, labels
from healthy.corpora import Corpus, pins

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "\t".join(labels.COLUMNS) + "\n"


def write(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "labels.tsv"
    path.write_text(HEAD + "".join(f"{line}\n" for line in lines))
    return path


@pytest.mark.parametrize(
    ("packages", "table"),
    [*command._SETS.values(), (advice._PACKAGES, advice._LABELS)],
)
def test_the_committed_labels_can_be_read(packages: Path, table: Path) -> None:
    known = labels.read(table)
    assert known
    versions = {(pin.package, pin.version) for pin in pins(packages)}
    for key in known:
        assert key.package == "stdlib" or (key.package, key.version) in versions, key


@pytest.mark.parametrize(
    "line",
    [
        "p\t1\ta.py\t3\tKLG101\tmaybe\treason",
        "p\t1\ta.py\tthree\tKLG101\ttrue\treason",
        "p\t1\ta.py\t3\tKLG101\ttrue\t",
    ],
)
def test_a_bad_label_names_its_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(labels.BadLabels, match=r"labels\.tsv:2"):
        labels.read(write(tmp_path, line))


def test_one_alarm_has_one_label(tmp_path: Path) -> None:
    line = "p\t1\ta.py\t3\tKLG101\ttrue\treason"
    with pytest.raises(labels.BadLabels, match="second label"):
        labels.read(write(tmp_path, line, line))


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (10, 10, 0.7225, 1.0),
        (0, 10, 0.0, 0.2775),
        (5, 10, 0.2366, 0.7634),
        (95, 100, 0.8882, 0.9785),
    ],
)
def test_wilson_known_values(successes: int, trials: int, low: float, high: float) -> None:
    assert labels.wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share(pair: tuple[int, int]) -> None:
    low, high = labels.wilson(*pair)
    assert 0 <= low < high <= 1
    if pair[1]:
        assert low - 1e-12 <= pair[0] / pair[1] <= high + 1e-12


def test_the_command_counts_planted_alarms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planted = {3: "true", 4: "false", 5: "minor"}
    known = write(
        tmp_path,
        *(f"Flask\t1\ta.py\t{line}\tKLG101\t{label}\tr" for line, label in planted.items()),
        "Flask\t1\ta.py\t9\tKLG101\ttrue\tno alarm there",
    )
    file = str(tmp_path / "a.py")
    alarms = tuple(Alarm(file, line, "KLG101", "N", f"message {line}") for line in (3, 4, 5, 6))
    alarms += (Alarm(file, 3, "KLG102", "N", "another code"),)
    monkeypatch.setattr(command, "_corpus", lambda name, *_: Corpus(name, "1", tmp_path))
    monkeypatch.setattr(command, "check", lambda _: Checked(alarms, (), 2000, 1.0))
    options = ["--cache", str(tmp_path), "--labels", str(known), "--only", "Flask"]
    assert command.main(options) == 1
    text = capsys.readouterr().out
    assert "2.500" in text  # five alarms in 2,000 lines
    assert "labelled: 3 of 5 alarms" in text
    assert "true: 1 of 3 = 33.3 %" in text
    assert "true or minor: 2 of 3 = 66.7 %" in text
    assert "a.py:6  KLG101  message 6" in text
    assert "a.py:3  KLG102  another code" in text
    monkeypatch.setattr(command, "check", lambda _: Checked(alarms[:3], (), 2000, 1.0))
    assert command.main(options) == 0
    assert "without a label" not in capsys.readouterr().out


def test_a_corpus_that_cannot_be_had_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = write(tmp_path)
    options = ["--cache", str(tmp_path), "--labels", str(known), "--only", "no-such-package"]
    assert command.main(options) == 2
    assert "could not be checked" in capsys.readouterr().out


def test_a_sample_of_advice_is_drawn_alike_each_time() -> None:
    found = [
        (labels.Key("p", "1", "a.py", line, "KLG203"), Alarm("a.py", line, "KLG203", "M"))
        for line in range(1, 40)
    ]
    chosen = advice.sample(found, 10, seed=3)
    assert chosen == advice.sample(found[::-1], 10, seed=3)
    assert len({key for key, _ in chosen}) == 10
    assert chosen != advice.sample(found, 10, seed=4)


def test_the_table_of_advice_counts_each_tier() -> None:
    found = [
        (labels.Key("p", "1", "a.py", line, code), Alarm("a.py", line, code, tier))
        for line, code, tier in ((1, "KLG101", "X"), (2, "KLG101", "X"), (3, "KLG203", "M"))
    ]
    known = {found[0][0]: "true", found[2][0]: "false"}
    lines = list(advice.table(found, known))
    assert lines[1].split() == ["M", "1", "0", "1", "0"]
    assert lines[2].split() == ["X", "2", "1", "0", "0"]
    assert lines[-1].startswith("true: 1 of 2 = 50 %")
