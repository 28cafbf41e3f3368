"""The corpus and its runner: what they refuse, and what they do not let pass."""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from tests.conformance import schema
from tests.conformance.answers import mismatches
from tests.conformance.corpus import CorpusError, load
from tests.conformance.results import ExpectedFailure, LanguageResults, expected_failures, table


def test_corpus_is_as_large_as_it_should_be() -> None:
    assert len(load()) >= 60


TOPICS = (
    "values-int", "values-float", "values-categorical", "values-bool", "values-discrete",
    "retry-*-refused", "retry-*-lost-reply", "retry-*-cut-request", "retry-obeys-the-server",
    "lease-expiry-*", "lease-kept-by-heartbeat", "lease-closing-releases", "loop-tell-conflict",
    "paging-thousand", "watch-across-a-restart", "restart-between-calls", "deadline-*",
    "connect-by-environment", "connect-one-of-two-is-dead", "tls-*", "token-*", "study-from-file",
)  # fmt: skip


def test_corpus_has_what_every_client_must_be_asked() -> None:
    names = [case.name for case in load()]
    assert [topic for topic in TOPICS if not fnmatch.filter(names, topic)] == []


def test_expected_failures_name_cases_that_exist() -> None:
    names = {case.name for case in load()}
    for entry in expected_failures():
        results = LanguageResults(entry.language, outcomes=dict.fromkeys(names))
        assert results.failures([entry]), f"no case is called {entry.case}"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("cases: [{name: a-b, about: x, stps: []}]", "stps"),
        ("cases: [{name: a-b, about: x, steps: [{do: {aks: {}}}]}]", "aks"),
        ("cases: [{name: a-b, about: x, steps: [{do: {ask: {count: many}}}]}]", "many"),
        ("cases: [{name: a-b, about: x, spec: none}]", "no spec 'none'"),
        ("cases: [{name: a-b, about: x}, {name: a-b, about: y}]", "two cases"),
        ("cases: [{name: a-b, name: c-d, about: x}]", "there twice"),
        ("cases: [{name: Upper, about: x}]", "a name is"),
        ("cases: [{name: a-b}]", "about"),
        ("specs: {a: {objectivs: []}}\ncases: []", "objectivs"),
    ],
)
def test_wrong_case_files_are_refused(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "cases.yaml").write_text(text)
    with pytest.raises(CorpusError, match=complaint):
        load(tmp_path)


def _mismatches(expected: dict[str, Any], result: dict[str, Any]) -> list[str]:
    step = json_format.ParseDict({"expect": expected}, schema.Step())
    return list(mismatches(expected, step.expect, json_format.ParseDict(result, schema.Result())))


_TRIAL = {"number": 1, "metrics": {"loss": {"value": 0.1}}, "parameters": {"n": {"int_value": 3}}}


@pytest.mark.parametrize(
    ("expected", "result"),
    [
        ({}, {"done": {}}),
        ({"trials": [{"trial": {"number": 1}}]}, {"trials": {"trials": [{"trial": _TRIAL}]}}),
        ({"trials": [{"trial": {"attempt": 0}}]}, {"trials": {"trials": [{"trial": _TRIAL}]}}),
        ({"trials": []}, {"trials": {}}),
        ({"numbers": "1-2,4"}, {"trials": {"trials": [{"trial": {"number": n}} for n in (1, 2, 4)]}}),
        ({"error": {"kind": "ERROR_KIND_NOT_FOUND"}}, {"error": {"kind": "ERROR_KIND_NOT_FOUND", "reason": "X"}}),
        ({"error": {"message_prefix": "study is"}}, {"error": {"message": "study is complete"}}),
    ],
)
def test_as_expected(expected: dict[str, Any], result: dict[str, Any]) -> None:
    assert _mismatches(expected, result) == []


@pytest.mark.parametrize(
    ("expected", "result", "words"),
    [
        ({}, {}, "empty"),
        ({}, {"error": {"kind": "ERROR_KIND_NOT_FOUND"}}, "NOT_FOUND"),
        ({}, {"unsupported": "no such thing"}, "no such thing"),
        ({"error": {"kind": "ERROR_KIND_NOT_FOUND"}}, {"done": {}}, "expected an error"),
        ({"error": {"reason": ""}}, {"error": {"reason": "X"}}, "reason"),
        ({"error": {"message_prefix": "study is"}}, {"error": {"message": "complete"}}, "study is"),
        ({"trials": []}, {"trials": {"trials": [{}]}}, "expected 0, got 1"),
        ({"trials": [{"trial": {"attempt": 0}}]}, {"trials": {"trials": [{"trial": {"attempt": 2}}]}}, "attempt"),
        ({"trials": [{"should_stop": False}]}, {"trials": {"trials": [{"should_stop": True}]}}, "should_stop"),
        (
            {"trials": [{"trial": {"parameters": {"n": {"int_value": 3}}}}]},
            {"trials": {"trials": [{"trial": {"parameters": {"n": {"double_value": 3}}}}]}},
            "int_value is not set",
        ),
        ({"trials": [{"trial": {"metrics": {}}}]}, {"trials": {"trials": [{"trial": _TRIAL}]}}, "loss"),
        (
            {"trials": [{"trial": {"metrics": {"loss": {"value": 0.1, "standard_error": 0}}}}]},
            {"trials": {"trials": [{"trial": _TRIAL}]}},
            "standard_error is not set",
        ),
        ({"numbers": "1-2"}, {"trials": {"trials": [{"trial": {"number": 2}}, {"trial": {"number": 1}}]}}, "numbers"),
        ({"distinct": True}, {"trials": {"trials": [{"trial": _TRIAL}, {"trial": _TRIAL}]}}, "same parameters"),
        ({"count": 2}, {"suggestions": {"suggestions": [{}]}}, "expected 2"),
    ],
)
def test_not_as_expected(expected: dict[str, Any], result: dict[str, Any], words: str) -> None:
    (found,) = _mismatches(expected, result)
    assert words in found


def test_failures_that_are_expected_and_failures_that_no_longer_come() -> None:
    results = LanguageResults("go", outcomes={"a-b": "differs", "c-d": None, "e-f": "differs"})
    expected = [ExpectedFailure("go", "a-*", "known"), ExpectedFailure("go", "c-d", "was known")]
    failures = results.failures(expected)
    assert failures["e-f"] == "differs"
    assert "was known" in failures["c-d"]
    assert set(failures) == {"c-d", "e-f"}
    shown = table([results], {"rust": "cargo is not installed"}, expected)
    assert "rust: skipped: cargo is not installed" in shown
    assert "go: 1 of 3 cases as expected" in shown
