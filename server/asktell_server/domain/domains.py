"""Domains: the values a parameter may take, of five kinds."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.values import MAX_EXACT_INT, ParameterValue, finite_number, kind_of, listed

MAX_LEVELS = 1000

_STEP_TOLERANCE = 1e-9  # of a step: forgives the rounding of min + k*step, nothing that a person would write


class Scale(enum.StrEnum):
    """Which differences of a range count as equal."""

    LINEAR = "linear"
    LOG = "log"
    REVERSE_LOG = "reverse_log"


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatDomain:
    """Real numbers in [min, max], on a grid of `step` from `min` where that is set."""

    min: float
    max: float
    scale: Scale = Scale.LINEAR
    step: float | None = None

    def validate(self, field: str) -> None:
        """Raises InvalidArgument naming the offending sub-field of `field`."""
        _validate_range(self.min, self.max, self.scale, self.step, field)
        resolution = 2 * math.ulp(max(abs(self.min), abs(self.max)))
        if self.step is not None and self.step < resolution:
            raise InvalidArgument(
                f"{field}.step", f"must be at least {resolution}: a double cannot hold smaller ones, got {self.step}"
            )

    def normalize(self, value: ParameterValue) -> float:
        """`value` as this domain keeps it; raises ValueError with the allowed values otherwise."""
        number = finite_number(value)
        if not self.min <= number <= self.max:
            raise ValueError(f"must be in [{self.min}, {self.max}], got {value}")
        if self.step is None:
            return number
        index = round((number - self.min) / self.step)
        snapped = self.level(min(index, (self.cardinality or 1) - 1))
        if abs(number - snapped) > _STEP_TOLERANCE * self.step + 1e-12 * abs(number):
            raise ValueError(f"must be {self.min} + a multiple of {self.step}, got {value}")
        return snapped

    def level(self, index: int) -> float:
        """The value `index` steps above `min` (only with a step)."""
        assert self.step is not None
        return float(min(_exact(self.max), _exact(self.min) + index * _exact(self.step)))

    @property
    def cardinality(self) -> int | None:
        """How many values there are; None = a continuum."""
        if self.step is None:
            return None
        return int(_steps(self.min, self.max, self.step)) + 1

    def levels(self) -> Sequence[float]:
        """All values in rising order (only with a step)."""
        return [self.level(index) for index in range(self.cardinality or 0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntDomain:
    """Whole numbers in [min, max], every `step`-th from `min`."""

    min: int
    max: int
    scale: Scale = Scale.LINEAR
    step: int = 1

    def validate(self, field: str) -> None:
        """Raises InvalidArgument naming the offending sub-field of `field`."""
        for name, bound in (("min", self.min), ("max", self.max)):
            if abs(bound) > MAX_EXACT_INT:
                raise InvalidArgument(f"{field}.{name}", f"must be within ±2^53, got {bound}")
        if self.scale is Scale.REVERSE_LOG:
            raise InvalidArgument(f"{field}.scale", "must be linear or log; reverse-log is for float parameters")
        _validate_range(self.min, self.max, self.scale, self.step, field)

    def normalize(self, value: ParameterValue) -> int:
        """`value` as this domain keeps it; raises ValueError with the allowed values otherwise."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"must be an int (int_value), got {kind_of(value)}")
        if not self.min <= value <= self.max:
            raise ValueError(f"must be in [{self.min}, {self.max}], got {value}")
        if (value - self.min) % self.step:
            raise ValueError(f"must be {self.min} + a multiple of {self.step}, got {value}")
        return value

    @property
    def cardinality(self) -> int:
        """How many values there are."""
        return (self.max - self.min) // self.step + 1

    def level(self, index: int) -> int:
        """The value `index` steps above `min`."""
        return self.min + index * self.step

    def levels(self) -> Sequence[int]:
        """All values in rising order."""
        return range(self.min, self.max + 1, self.step)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscreteDomain:
    """An ordered list of numbers, all ints or all floats; their order counts and their distances do not."""

    values: tuple[int | float, ...]

    def validate(self, field: str) -> None:
        """Raises InvalidArgument naming the offending sub-field of `field`."""
        _validate_count(self.values, f"{field}.values", "numbers")
        kinds = {type(value) for value in self.values}
        if not (kinds == {int} or kinds == {float}):
            raise InvalidArgument(f"{field}.values", "must be all ints (int_value) or all floats (double_value)")
        for index, value in enumerate(self.values):
            where = f"{field}.values[{index}]"
            if isinstance(value, float) and not math.isfinite(value):
                raise InvalidArgument(where, f"must be finite, got {value}", reason=ErrorReason.NOT_FINITE)
            if isinstance(value, int) and abs(value) > MAX_EXACT_INT:
                raise InvalidArgument(where, f"must be within ±2^53, got {value}")
            if index and value <= self.values[index - 1]:
                raise InvalidArgument(where, f"must be greater than the value before it, got {value}")

    def normalize(self, value: ParameterValue) -> int | float:
        """`value` as this domain keeps it; raises ValueError with the allowed values otherwise."""
        if isinstance(self.values[0], int) and not isinstance(value, int):
            raise ValueError(f"must be an int (int_value), got {kind_of(value)}")
        number = finite_number(value)
        for allowed in self.values:
            if allowed == number:
                return allowed
        raise ValueError(f"must be one of {listed(self.values)}, got {value}")

    @property
    def cardinality(self) -> int:
        """How many values there are."""
        return len(self.values)

    def levels(self) -> Sequence[int | float]:
        """All values in rising order."""
        return self.values


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoricalDomain:
    """A set of names without an order."""

    values: tuple[str, ...]

    def validate(self, field: str) -> None:
        """Raises InvalidArgument naming the offending sub-field of `field`."""
        _validate_count(self.values, f"{field}.values", "strings")
        seen: set[str] = set()
        for index, value in enumerate(self.values):
            if not 1 <= len(value) <= 256:
                raise InvalidArgument(f"{field}.values[{index}]", f"must have 1 to 256 characters, got {len(value)}")
            if value in seen:
                message = f"must be different from the others, got {value!r} again"
                raise InvalidArgument(f"{field}.values[{index}]", message)
            seen.add(value)

    def normalize(self, value: ParameterValue) -> str:
        """`value` as this domain keeps it; raises ValueError with the allowed values otherwise."""
        if not isinstance(value, str):
            raise ValueError(f"must be a string (string_value), got {kind_of(value)}")
        if value not in self.values:
            raise ValueError(f"must be one of {listed(self.values)}, got {value!r}")
        return value

    @property
    def cardinality(self) -> int:
        """How many values there are."""
        return len(self.values)

    def levels(self) -> Sequence[str]:
        """All values, in the order in which they were declared."""
        return self.values


@dataclass(frozen=True, slots=True, kw_only=True)
class BoolDomain:
    """False or true."""

    def validate(self, field: str) -> None:
        """Every bool domain is valid."""

    def normalize(self, value: ParameterValue) -> bool:
        """`value` as this domain keeps it; raises ValueError with the allowed values otherwise."""
        if not isinstance(value, bool):
            raise ValueError(f"must be true or false (bool_value), got {kind_of(value)}")
        return value

    @property
    def cardinality(self) -> int:
        """Two."""
        return 2

    def levels(self) -> Sequence[bool]:
        """False, then true."""
        return (False, True)


Domain = FloatDomain | IntDomain | DiscreteDomain | CategoricalDomain | BoolDomain

DOMAIN_FIELDS: Mapping[type, str] = {
    FloatDomain: "float_domain",
    IntDomain: "int_domain",
    DiscreteDomain: "discrete_domain",
    CategoricalDomain: "categorical_domain",
    BoolDomain: "bool_domain",
}
"""The contract's field name of each kind of domain, for error paths."""


def _validate_range(low: float, high: float, scale: Scale, step: float | None, field: str) -> None:
    for name, bound in (("min", low), ("max", high)):
        if not math.isfinite(bound):
            raise InvalidArgument(f"{field}.{name}", f"must be finite, got {bound}", reason=ErrorReason.NOT_FINITE)
    if not low < high:
        raise InvalidArgument(f"{field}.max", f"must be greater than min ({low}), got {high}")
    if not math.isfinite(high - low):
        raise InvalidArgument(f"{field}.max", "max - min must be finite; the range is too wide for a double")
    if scale is not Scale.LINEAR and low <= 0:
        raise InvalidArgument(f"{field}.min", f"must be greater than 0 on a {scale.value} scale, got {low}")
    if step is not None:
        if not math.isfinite(step):
            raise InvalidArgument(f"{field}.step", f"must be finite, got {step}", reason=ErrorReason.NOT_FINITE)
        if step <= 0 or _steps(low, high, step) < 1:
            raise InvalidArgument(f"{field}.step", f"must be in (0, max - min = {high - low}], got {step}")


def _steps(low: float, high: float, step: float) -> Decimal:
    """How many steps lie between two numbers; a last one that is cut short by rounding alone counts in full."""
    return (_exact(high) - _exact(low)) / _exact(step) + Decimal(_STEP_TOLERANCE)


def _exact(number: float) -> Decimal:
    """The number that a person wrote: with it 0.1 + 2 * 0.1 is 0.3, and 0.2 fits into 0.1 to 0.3."""
    return Decimal(repr(number))


def _validate_count(values: Sequence[object], field: str, what: str) -> None:
    if not 2 <= len(values) <= MAX_LEVELS:
        raise InvalidArgument(field, f"must hold 2 to {MAX_LEVELS} {what}, got {len(values)}")
