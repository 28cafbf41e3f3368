"""Python values on the wire and back."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from asktell import MetricValue
from asktell._core.values import (
    decode_configuration,
    decode_time,
    encode_configuration,
    encode_metrics,
    encode_time,
    real,
    whole,
)


@pytest.mark.parametrize(
    ("given", "kind", "expected"),
    [
        (0.1, "double_value", 0.1),
        (2, "int_value", 2),
        (2**53 + 1, "int_value", 2**53 + 1),
        (True, "bool_value", True),
        ("adam", "string_value", "adam"),
        (np.float64(0.1), "double_value", 0.1),
        (np.int64(8), "int_value", 8),
        (np.bool_(False), "bool_value", False),
        (np.array(3.5), "double_value", 3.5),
        (np.str_("sgd"), "string_value", "sgd"),
        (Fraction(1, 4), "double_value", 0.25),
    ],
)
def test_values_keep_their_kind(given: Any, kind: str, expected: object) -> None:
    wire = encode_configuration({"x": given})
    assert wire["x"].WhichOneof("kind") == kind
    back = decode_configuration(wire)["x"]
    assert back == expected
    assert type(back) is type(expected)


@pytest.mark.parametrize("given", [None, [1], {"a": 1}, object(), np.array([1, 2])])
def test_other_values_are_refused_by_name(given: Any) -> None:
    with pytest.raises(TypeError, match=r"params\['lr'\]"):
        encode_configuration({"lr": given})


def test_configurations_come_in_the_studys_order() -> None:
    wire = encode_configuration({"b": 1, "c": 2, "a": 3})
    assert list(decode_configuration(wire, ["c", "a", "b"])) == ["c", "a", "b"]
    assert list(decode_configuration(wire)) == ["a", "b", "c"]


def test_metrics_take_numbers_and_standard_errors() -> None:
    wire = encode_metrics({"loss": np.float32(0.5)}, {"acc": MetricValue(1, 0.25)})
    assert wire["loss"].value == 0.5
    assert not wire["loss"].HasField("standard_error")
    assert (wire["acc"].value, wire["acc"].standard_error) == (1.0, 0.25)


def test_nan_is_left_to_the_server() -> None:
    assert math.isnan(encode_metrics({"loss": math.nan})["loss"].value)


@pytest.mark.parametrize("given", [True, "0.3", None, [0.3]])
def test_metrics_that_are_no_numbers_are_refused_by_name(given: Any) -> None:
    with pytest.raises(TypeError, match=r"metrics\['loss'\]"):
        encode_metrics({"loss": given})


def test_numbers_too_large_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="seed must fit 64 bits"):
        whole(2**63, "seed")
    with pytest.raises(ValueError, match="x is too large"):
        real(10**400, "x")
    with pytest.raises(TypeError, match="count must be a whole number"):
        whole(2.0, "count")


def test_times_need_a_zone() -> None:
    time = datetime(2026, 12, 1, 12, 0, 0, 123456, tzinfo=UTC)
    wire = encode_time(time, "deadline")
    assert wire is not None
    assert decode_time(wire) == time
    with pytest.raises(ValueError, match="deadline must have a time zone"):
        encode_time(datetime(2026, 12, 1), "deadline")  # noqa: DTZ001 # that is the point
