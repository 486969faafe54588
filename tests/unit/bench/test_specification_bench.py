from __future__ import annotations

from typing import Any

import pytest

from kimera_leakguard_native.bench import specification_bench, suite
from kimera_leakguard_native.bench.harness import Measurement, Options, Other, Result

CLAIMS = (
    *("162,028", "3,240", "7.15", "95 %", "40 times"),
    *("8.4 ms", "12.9", "5 %", "below 1 %", "100 %"),
)


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> list[Result]:
    """The results with every benchmark standing in by one that gives 2 for each case."""

    def run(name: str, options: Options) -> Any:
        del options
        for claim in specification_bench.MEASURED:
            if claim.bench == name:
                better = "higher" if claim.of == "trace/" else "lower"
                others = {"old": Other("replica", 4.0, 2.0)}
                ours = Measurement(2.0, 1.0, 3.0, 3)
                yield Result(name, f"{claim.of}x", "ms", better, ours, others, checked=True)

    monkeypatch.setattr(suite, "run", run)
    return list(specification_bench.run(Options()))


def test_every_claim_is_listed(results: list[Result]) -> None:
    text = " ".join(each.note for each in results)
    assert [claim for claim in CLAIMS if claim not in text] == []


def test_what_cannot_be_measured_has_a_reason_and_no_figure(results: list[Result]) -> None:
    without = [each for each in results if each.ours is None]
    assert len(without) == 4
    assert all("not measurable" in each.note and "because" in each.note for each in without)
    assert all(each.to_dict()["ours"] is None for each in without)


def test_the_claim_is_an_other_with_the_right_ratio(results: list[Result]) -> None:
    by_case = {each.case.partition("/")[0]: each for each in results}
    claim = by_case["contradictions"].others["the specification's claim"]
    assert (claim.median, claim.ratio) == (3240.0, 1620.0)
    efficiency = by_case["memory-efficiency"].others["the specification's claim"]
    assert efficiency.ratio == pytest.approx(2.0 / 95.0)
    assert by_case["decision-cache"].others == {"old": Other("replica", 4.0, 2.0)}
