"""Allocation-heavy work for the overhead of the sampler: deterministic, each with its result."""

from __future__ import annotations

import json
import os
import runpy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_JSON_ROUNDS = 36
_PARSER_ROUNDS = 50
_TERMS = 60
_ARRAY_ROUNDS = 96
_ARRAY_ITEMS = 131_072


@dataclass(frozen=True, slots=True)
class Workload:
    """A slice of work of some 20 ms.

    Attributes
    ----------
    run : callable
        Does the work and gives its result.
    expected : object
        What `run` must give, computed in another way.
    """

    run: Callable[[], Any]
    expected: Any


def json_round_trips() -> Workload:
    """Encode and decode nested records: almost all time goes into small short-lived objects."""
    users = [
        {
            "id": number,
            "name": f"user-{number}",
            "tags": [f"t{number * k % 17}" for k in range(5)],
            "score": number * 0.37,
            "address": {"street": f"road {number}", "zip": 10000 + number, "at": [number, -number]},
        }
        for number in range(200)
    ]
    document = {"users": users}

    def run() -> tuple[int, int]:
        total = length = 0
        for _ in range(_JSON_ROUNDS):
            text = json.dumps(document)
            length += len(text)
            total += sum(user["id"] for user in json.loads(text)["users"])
        return total, length

    return Workload(run, (_JSON_ROUNDS * sum(range(200)), _JSON_ROUNDS * len(json.dumps(document))))


def parser() -> Workload:
    """Tokenize, parse and evaluate an expression in pure Python: node objects, tuples, calls."""
    text = " + ".join(f"({n} * (x - {n + 3}) / (1 + y))" for n in range(1, _TERMS))
    environment = {"x": 7.0, "y": 3.0}
    once = sum(n * (7.0 - (n + 3)) / 4.0 for n in range(1, _TERMS))

    def run() -> float:
        total = 0.0
        for _ in range(_PARSER_ROUNDS):
            total += _Parser(text).expression().value(environment)
        return round(total, 6)

    return Workload(run, round(_PARSER_ROUNDS * once, 6))


def arrays() -> Workload:
    """Compute with arrays of a megabyte: few allocations, each of them by the C library."""
    import numpy as np

    def run() -> float:
        total = 0.0
        for number in range(_ARRAY_ROUNDS):
            ramp = np.arange(_ARRAY_ITEMS, dtype=np.float64) + number
            total += float(((ramp * 2.0 + 1.0) - ramp).sum())
        return total

    # The sum of (2 x + 1) - x over x = number ... number + items - 1.
    once = _ARRAY_ITEMS * (_ARRAY_ITEMS - 1) / 2 + _ARRAY_ITEMS
    rounds = _ARRAY_ROUNDS * (_ARRAY_ROUNDS - 1) / 2
    return Workload(run, _ARRAY_ROUNDS * once + _ARRAY_ITEMS * rounds)


def http_service() -> Workload:
    """Serve HTTP requests that four clients of another process send: see `HttpService`."""
    here = os.path.dirname(os.path.abspath(__file__))
    service = runpy.run_path(os.path.join(here, "http_service.py"))
    total = runpy.run_path(os.path.join(here, "http_load.py"))["total"]
    return Workload(service["HttpService"]().serve, sum(map(total, range(service["REQUESTS"]))))


class _Node:
    def __init__(self, kind: str, *parts: Any) -> None:
        self.kind, self.parts = kind, parts

    def value(self, environment: dict[str, float]) -> float:
        if self.kind == "number":
            return float(self.parts[0])
        if self.kind == "name":
            return environment[self.parts[0]]
        left = self.parts[0].value(environment)
        right = self.parts[1].value(environment)
        if self.kind == "+":
            return float(left + right)
        if self.kind == "-":
            return float(left - right)
        return float(left * right if self.kind == "*" else left / right)


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0

    def expression(self) -> _Node:
        node = self._term()
        while self._tokens[self._at][1] in {"+", "-"}:
            node = _Node(self._take()[1], node, self._term())
        return node

    def _term(self) -> _Node:
        node = self._atom()
        while self._tokens[self._at][1] in {"*", "/"}:
            node = _Node(self._take()[1], node, self._atom())
        return node

    def _atom(self) -> _Node:
        kind, text = self._take()
        if kind in {"number", "name"}:
            return _Node(kind, text)
        node = self.expression()
        self._take()
        return node

    def _take(self) -> tuple[str, str]:
        self._at += 1
        return self._tokens[self._at - 1]


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        end = at + 1
        if text[at].isspace():
            at = end
            continue
        kind = "number" if text[at].isdigit() else "name" if text[at].isalpha() else "sign"
        while kind != "sign" and end < len(text) and text[end].isalnum():
            end += 1
        yield kind, text[at:end]
        at = end
    yield "end", ""
