"""How configurations are found: the settings of each algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.space import MAX_LEVELS, FloatDomain, IntDomain, Parameter, SearchSpace

MAX_GRID_SIZE = 1_000_000
DEFAULT_GRID_LEVELS = 5
FULL_INT_LEVELS = 100
"""Int parameters with at most this many values contribute all of them to a grid."""
DEFAULT_START_TRIALS = 5
"""Space-filling trials before the model: centre and Sobol (measured best; see docs/engine.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Auto:
    """The server chooses: space-filling start, then Bayesian optimisation."""

    kind: ClassVar[str] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manual:
    """Only configurations that a person enqueues."""

    kind: ClassVar[str] = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Every point of a grid, once."""

    kind: ClassVar[str] = "grid"
    default_levels: int = DEFAULT_GRID_LEVELS
    levels: Mapping[str, int] = field(default_factory=dict)

    def levels_of(self, parameter: Parameter) -> int:
        """How many points the grid has along `parameter`."""
        if parameter.name in self.levels:
            return self.levels[parameter.name]
        count = parameter.domain.cardinality
        if count is None:
            return self.default_levels
        if isinstance(parameter.domain, IntDomain) and count > FULL_INT_LEVELS:
            return min(self.default_levels, count)
        return count

    def size(self, space: SearchSpace) -> int:
        """How many points the grid has in all."""
        product = 1
        for parameter in space.parameters:
            product *= self.levels_of(parameter)
        return product

    def validate(self, space: SearchSpace, where: str) -> None:
        """Checks the levels and the size.

        Raises:
            InvalidArgument: levels of an unknown parameter, out of range, or more than the parameter has; more
                than 1,000,000 points (GRID_TOO_LARGE).
        """
        if not 2 <= self.default_levels <= MAX_LEVELS:
            raise InvalidArgument(f"{where}.default_levels", f"must be 2 to {MAX_LEVELS}, got {self.default_levels}")
        parameters = {parameter.name: parameter for parameter in space.parameters}
        for name, count in self.levels.items():
            entry = f"{where}.levels[{name[:128]}]"
            if name not in parameters:
                raise InvalidArgument(entry, "the space has no such parameter")
            limit = parameters[name].domain.cardinality
            most = MAX_LEVELS if limit is None else min(limit, MAX_LEVELS)
            if not 2 <= count <= most:
                raise InvalidArgument(entry, f"must be 2 to {most}, got {count}")
            if not isinstance(parameters[name].domain, FloatDomain | IntDomain) and count != limit:
                raise InvalidArgument(entry, f"must be {limit}: a grid takes all values of such a parameter")
        size = self.size(space)
        if size > MAX_GRID_SIZE:
            raise InvalidArgument(
                where,
                f"has {size:,} points, at most {MAX_GRID_SIZE:,} are allowed; use fewer levels, or random or Bayesian search",
                reason=ErrorReason.GRID_TOO_LARGE,
                metadata={"size": str(size), "limit": str(MAX_GRID_SIZE)},
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Random:
    """Independent uniform draws."""

    kind: ClassVar[str] = "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sobol:
    """A scrambled Sobol sequence."""

    kind: ClassVar[str] = "sobol"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bayesian:
    """Gaussian process and log expected improvement, after `start_trials` space-filling trials."""

    kind: ClassVar[str] = "bayesian"
    start_trials: int = DEFAULT_START_TRIALS

    def validate(self, where: str) -> None:
        """Raises InvalidArgument when `start_trials` is out of range."""
        if not 1 <= self.start_trials <= 1000:
            raise InvalidArgument(f"{where}.start_trials", f"must be 1 to 1000, got {self.start_trials}")


Algorithm = Auto | Manual | Grid | Random | Sobol | Bayesian
