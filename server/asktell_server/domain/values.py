"""Values of parameters, and what error texts say about them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Final

ParameterValue = float | int | str | bool
"""A value of one parameter; an int stays an int."""

Configuration = Mapping[str, ParameterValue]
"""A value for each parameter of a space, by name."""

ABSENT: Final = None
"""What a key holds for a parameter that the configuration does not have. No parameter has it as a value."""

Key = tuple[ParameterValue | None, ...]
"""A configuration as values in the order of its space (`SearchSpace.key`): equal exactly when the configurations are."""

MAX_EXACT_INT = 2**53
"""Whole numbers up to here are exact in every client language (and in Lua)."""


def configuration_digest(configuration: Configuration) -> str:
    """A short text that two configurations share exactly when they are the same (in any order of names)."""
    hasher = hashlib.blake2b(digest_size=12)
    for name in sorted(configuration):
        value = configuration[name]
        hasher.update(f"{name}\0{type(value).__name__}\0{value!r}\0".encode())
    return hasher.hexdigest()


def finite_number(value: ParameterValue) -> float:
    """`value` as a float; raises ValueError when it is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be a number (double_value), got {kind_of(value)}")
    if not math.isfinite(value):
        raise ValueError(f"must be finite, got {value}")
    return float(value) + 0.0  # -0.0 becomes 0.0: they are one value and must have one digest


_KINDS: Mapping[type, tuple[str, str]] = {
    bool: ("bool", "bool_value"),
    int: ("int", "int_value"),
    float: ("float", "double_value"),
    str: ("string", "string_value"),
}


def kind_of(value: ParameterValue) -> str:
    """The value with its kind, in words and as the contract names it: `the string '5' (string_value)`."""
    word, field = _KINDS[type(value)]
    shown = str(value).lower() if isinstance(value, bool) else f"{value!r:.100}"
    return f"the {word} {shown} ({field})"


def shown(value: ParameterValue) -> str:
    """The value as a person writes it: `adam`, `true`."""
    return str(value).lower() if isinstance(value, bool) else f"{value:.100}" if isinstance(value, str) else repr(value)


def listed(values: Sequence[object], most: int = 12) -> str:
    """The values with commas, at most `most` of them."""
    shown = ", ".join(repr(value) for value in values[:most])
    return shown if len(values) <= most else f"{shown}, ... ({len(values)} in all)"
