"""Weights of the model; written by `python bench/score_forecast.py --train`."""

from __future__ import annotations

from kimera_leakguard_native.runtime.forecast.logistic import Logistic

TRAINED = Logistic(
    (
        0.4857287852871762,
        -3.4698427171148065,
        -0.8293268755506134,
        -0.7301626763071536,
        -2.4929275805935323,
        0.5042455867346751,
        0.16615223905253562,
        -0.1634195468142295,
        -0.2946187534091556,
        2.2664128456774915,
        -2.035090478440591,
        -4.522935546880695,
        0.19493628994192205,
    )
)
