"""Pairs of programs that differ in one token: only feasible leaks may alarm."""

import ast
import contextlib
import difflib
import io
import re
import tokenize

import pytest
from twins import checking, pages, replay

PAIRS = pages.pairs()
each_pair = pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    checking.write({f"{pair.name}-leaky": pair.leaky for pair in PAIRS}, folder)
    checking.write({f"{pair.name}-clean": pair.clean for pair in PAIRS}, folder)
    return folder


@pytest.fixture(scope="module")
def symbolic(folder):
    return checking.findings(folder)


@pytest.fixture(scope="module")
def plain(folder):
    return checking.findings(folder, "--no-symbolic")


def tokens(source):
    stream = tokenize.generate_tokens(io.StringIO(source).readline)
    return [token.string for token in stream if token.string.strip()]


VALUES = re.compile(r"\((\w[\w.]* = .*)\)$")
VALUE = re.compile(r"([\w.]+) = (.*?)(?:, (?=[\w.]+ = )|$)")


def decisions(finding):
    """Lines of the tests along the path of a finding, without those of loops over items."""
    return {step["line"] for step in finding["path"] if step["note"].startswith("`")}


def values(finding):
    """Values that the model gives names before anything is assigned, where they are literals."""
    found = {}
    for step in finding["path"]:
        if match := VALUES.search(step["note"]):
            for name, text in VALUE.findall(match[1]):
                with contextlib.suppress(SyntaxError, ValueError):
                    found.setdefault(name, ast.literal_eval(text))
    return found


def lines_of(findings):
    return {finding["line"] for finding in findings}


def test_there_are_enough_pairs():
    assert len(PAIRS) >= 60
    assert len({pair.name for pair in PAIRS}) == len(PAIRS)


@each_pair
def test_twins_differ_in_one_token(pair):
    leaky, clean = tokens(pair.leaky), tokens(pair.clean)
    matcher = difflib.SequenceMatcher(None, leaky, clean, autojunk=False)
    changes = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    assert len(changes) == 1
    _, start, stop, clean_start, clean_stop = changes[0]
    assert stop - start <= 1
    assert clean_stop - clean_start <= 1


@each_pair
def test_execution_finds_the_leak_in_the_leaky_twin_only(pair):
    leaky = replay.Program(pair.leaky, pair.call, pair.inputs)
    leaks = [leaky.run(values).leaked_lines for values in leaky.inputs()]
    assert any(leaks)
    assert {line for lines in leaks for line in lines} == {pair.line}
    clean = replay.Program(pair.clean, pair.call, pair.inputs)
    assert not [values for values in clean.inputs() if clean.run(values).leaked_lines]


@each_pair
def test_without_the_symbolic_stage_both_alarm(pair, plain):
    assert lines_of(plain[f"{pair.name}-leaky"]) == {pair.line}
    assert lines_of(plain[f"{pair.name}-clean"]) == {pair.line}


@each_pair
def test_with_the_symbolic_stage_exactly_the_feasible_one_alarms(pair, symbolic):
    assert lines_of(symbolic[f"{pair.name}-leaky"]) == {pair.line}
    assert lines_of(symbolic[f"{pair.name}-clean"]) == set()


@each_pair
def test_the_witness_leaks_when_it_is_executed(pair, symbolic):
    (finding,) = symbolic[f"{pair.name}-leaky"]
    program = replay.Program(pair.leaky, pair.call, pair.inputs)
    outcomes = [program.run(inputs) for inputs in program.inputs(values(finding))]
    assert [
        outcome
        for outcome in outcomes
        if set(outcome.leaked_lines) == {pair.line} and decisions(finding) <= outcome.lines
    ]


def test_many_witnesses_have_values(symbolic):
    with_values = [pair for pair in PAIRS if values(symbolic[f"{pair.name}-leaky"][0])]
    assert len(with_values) >= 40
