"""Compares a client's answer with what a case expects of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import text_format

from tests.conformance.matching import differences


def mismatches(raw: Mapping[str, Any], expected: Any, result: Any) -> Iterator[str]:
    """Yields what is wrong with an answer, in words; `raw` is the YAML that `expected` was parsed from."""
    kind = result.WhichOneof("kind")
    if kind is None:
        yield "the answer is empty"
    elif kind == "unsupported":
        yield f"unsupported: {result.unsupported}"
    elif "error" in raw:
        if kind == "error":
            yield from _error(raw["error"], expected.error, result.error)
        else:
            yield f"expected an error, got {_short(result)}"
    elif kind == "error":
        yield f"error: {_short(result.error)}"
    else:
        yield from _values(raw, expected, result)


def _error(raw: Mapping[str, Any], expected: Any, error: Any) -> Iterator[str]:
    written = {key: value for key, value in raw.items() if key != "message_prefix"}
    found = list(differences(written, expected, error))
    if not error.message.startswith(expected.message_prefix):
        found.append(f"message: expected {expected.message_prefix!r} …, got {error.message!r}")
    if found:
        yield f"{'; '.join(found)} (in {_short(error)})"


def _values(raw: Mapping[str, Any], expected: Any, result: Any) -> Iterator[str]:
    trials, suggestions = result.trials.trials, result.suggestions.suggestions
    if "study" in raw:
        yield from differences(raw["study"], expected.study, result.study, "study")
    if "trials" in raw:
        yield from differences({"trials": raw["trials"]}, expected, result.trials)
    if "changes" in raw:
        yield from differences({"changes": raw["changes"]}, expected, result.changes)
    if "suggestions" in raw:
        yield from differences({"suggestions": raw["suggestions"]}, expected, result.suggestions)
    if "numbers" in raw:
        numbers = [each.trial.number for each in trials]
        if numbers != list(_range(expected.numbers)):
            yield f"numbers: expected {expected.numbers}, got {_as_range(numbers)}"
    count = len(trials) + len(suggestions) + result.analysis.items
    if "count" in raw and count != expected.count:
        yield f"expected {expected.count} of them, got {count}"
    if expected.distinct:
        configurations = [_configuration(each.trial) for each in trials] + [
            _configuration(each) for each in suggestions
        ]
        if len(set(configurations)) != len(configurations):
            yield "two of them have the same parameters"


def _range(text: str) -> Iterator[int]:
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def _as_range(numbers: list[int]) -> str:
    return ",".join(map(str, numbers[:20])) + (f", … {len(numbers)} in all" if len(numbers) > 20 else "")


def _configuration(holder: Any) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, str(value)) for name, value in holder.parameters.items()))


def _short(message: Any) -> str:
    return text_format.MessageToString(message, as_one_line=True, as_utf8=True)[:400]
