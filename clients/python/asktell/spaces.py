"""Search spaces: what may be tuned, and over which values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from asktell._core.not_yet import Refusing

__all__ = ["Bool", "Categorical", "Discrete", "Domain", "Float", "Int", "ParameterValue", "Space"]

T = TypeVar("T")

ParameterValue: TypeAlias = float | int | str | bool
"""A value of one parameter; an int stays an int."""


@dataclass(frozen=True, slots=True)
class Float(Refusing):
    """A real number in [min, max].

    `log`: equal ratios matter equally (learning rates). `reverse_log`: resolves values near `max` (momentum).
    `step`: only min, min + step … are taken. `default`: a value known to work; the search starts from it.
    """

    min: float
    max: float
    log: bool = False
    step: float | None = None
    reverse_log: bool = False
    default: float | None = None

    def __post_init__(self) -> None:
        """Raises ValueError: both scales at once."""
        if self.log and self.reverse_log:
            raise ValueError("a range has one scale: either log or reverse_log")


@dataclass(frozen=True, slots=True)
class Int(Refusing):
    """A whole number in [min, max], both ends within ±2^53; the rest as in Float."""

    min: int
    max: int
    log: bool = False
    step: int | None = None
    default: int | None = None


@dataclass(frozen=True, slots=True)
class Discrete(Refusing):
    """One of 2 to 1,000 numbers in rising order: all ints or all floats (ints among floats become floats)."""

    values: Sequence[float]
    default: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Keeps the values as a tuple of one kind."""
        values = tuple(self.values)
        if any(isinstance(value, float) for value in values):
            values = tuple(_as_float(value) for value in values)
            object.__setattr__(self, "default", _as_float(self.default))
        object.__setattr__(self, "values", values)


def _as_float(value: T) -> T | float:
    # Only plain ints are made floats: what is no number at all is refused later, by name.
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@dataclass(frozen=True, slots=True)
class Categorical(Refusing):
    """One of 2 to 1,000 names without an order."""

    values: Sequence[str]
    default: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Keeps the values as a tuple. Raises TypeError: a single string, which Python takes for its letters."""
        if isinstance(self.values, str):
            raise TypeError(f"Categorical takes a list of strings, got the string {self.values!r}")
        object.__setattr__(self, "values", tuple(self.values))


@dataclass(frozen=True, slots=True)
class Bool(Refusing):
    """True or false."""

    default: bool | None = field(default=None, kw_only=True)


Domain: TypeAlias = Float | Int | Discrete | Categorical | Bool
"""The values one parameter may take."""

Space: TypeAlias = Mapping[str, Domain]
"""The parameters by name, in the order in which tables show them."""
