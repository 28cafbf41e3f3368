"""How configurations are found: the settings of each algorithm, and what the rest of the server asks about it.

A new algorithm is a class here, a member of the union `Algorithm`, and a sampler in the registry of `engine/samplers`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, get_args

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.space import MAX_LEVELS, FloatDomain, IntDomain, Parameter, SearchSpace
from asktell_server.domain.warning import StudyWarning, WarningKind

MAX_GRID_SIZE = 1_000_000
DEFAULT_GRID_LEVELS = 5
FULL_INT_LEVELS = 100
"""Int parameters with at most this many values contribute all of them to a grid."""
DEFAULT_START_TRIALS = 5
"""Space-filling trials before the model: centre and Sobol (measured best; see docs/engine.md)."""
TRIALS_PER_PARAMETER = 3
"""Below this many trials per parameter a model has hardly anything to learn from."""
COARSE_LEVELS = 3
"""A grid with at most this many points along a numeric parameter usually steps over the good region."""


class _Settings:
    """What an algorithm says of itself, unless it says otherwise.

    Attributes:
        kind: its name in the contract, in study files and in the store.
        suggests: it finds configurations; otherwise it waits for what people enqueue.
        uses_model: a suggestion may take a model, and so a worker process.
    """

    __slots__ = ()

    kind: ClassVar[str]
    suggests: ClassVar[bool] = True
    uses_model: ClassVar[bool] = False

    @property
    def prepares_ahead(self) -> bool:
        """Suggestions are worth computing before anybody asks; without a model they take about a millisecond."""
        return self.uses_model

    @property
    def start_trials(self) -> int:
        """How many space-filling trials come before the model."""
        return 0

    def grid_axes(self, space: SearchSpace) -> Sequence[int] | None:
        """The number of values along each parameter, for an algorithm that tries every point of a grid."""
        return None

    def validate(self, space: SearchSpace, where: str) -> None:
        """Raises InvalidArgument, naming a sub-field of `where`, when the settings do not fit the space."""

    def warnings(self, space: SearchSpace, budget: int | None) -> Iterator[StudyWarning]:
        """Warnings about the settings in a study of `budget` trials (None = no limit)."""
        return iter(())


class _ModelSettings(_Settings):
    """What an algorithm says of itself that learns from results."""

    __slots__ = ()

    uses_model: ClassVar[bool] = True

    def warnings(self, space: SearchSpace, budget: int | None) -> Iterator[StudyWarning]:
        """A budget that is too small to learn from, unless it covers the whole space."""
        advisable = TRIALS_PER_PARAMETER * len(space.parameters)
        cardinality = space.cardinality
        if budget is not None and budget < advisable and (cardinality is None or budget < cardinality):
            yield StudyWarning(
                kind=WarningKind.BUDGET_TOO_SMALL,
                field="stopping_rules.max_trials",
                message=f"{budget} trials are few for {len(space.parameters)} parameters; at least {advisable} are "
                "advisable, or fewer parameters",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Auto(_ModelSettings):
    """The server chooses: space-filling start, then Bayesian optimisation."""

    kind: ClassVar[str] = "auto"

    @property
    def start_trials(self) -> int:
        """As many as measured best."""
        return DEFAULT_START_TRIALS


@dataclass(frozen=True, slots=True, kw_only=True)
class Manual(_Settings):
    """Only configurations that a person enqueues."""

    kind: ClassVar[str] = "manual"
    suggests: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid(_Settings):
    """Every point of a grid, once."""

    kind: ClassVar[str] = "grid"
    default_levels: int = DEFAULT_GRID_LEVELS
    levels: Mapping[str, int] = field(default_factory=dict)

    def levels_of(self, parameter: Parameter) -> int:
        """How many points the grid has along `parameter`."""
        if parameter.fidelity is not None:  # all run at the target
            return 1
        if parameter.name in self.levels:
            return self.levels[parameter.name]
        count = parameter.domain.cardinality
        if count is None:
            return self.default_levels
        if isinstance(parameter.domain, IntDomain) and count > FULL_INT_LEVELS:
            return min(self.default_levels, count)
        return count

    def grid_axes(self, space: SearchSpace) -> Sequence[int]:
        """The number of values along each parameter: all of one on which others depend."""
        parents = space.forest.parents if space.forest else frozenset()
        return [
            parameter.domain.cardinality or self.default_levels if place in parents else self.levels_of(parameter)
            for place, parameter in enumerate(space.parameters)
        ]

    def size(self, space: SearchSpace) -> int:
        """How many points the grid has in all."""
        size = space.combinations(self.grid_axes(space))
        assert size is not None, "every axis of a grid is finite"
        return size

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
            if parameters[name].fidelity is not None:
                raise InvalidArgument(
                    entry, "must be unset: it is the fidelity, and a grid runs all at its highest value"
                )
            limit = parameters[name].domain.cardinality
            most = MAX_LEVELS if limit is None else min(limit, MAX_LEVELS)
            if not 2 <= count <= most:
                raise InvalidArgument(entry, f"must be 2 to {most}, got {count}")
            if not isinstance(parameters[name].domain, FloatDomain | IntDomain) and count != limit:
                raise InvalidArgument(entry, f"must be {limit}: a grid takes all values of such a parameter")
            if count != limit and space.forest and space.names.index(name) in space.forest.parents:
                raise InvalidArgument(
                    entry, f"must be {limit}: a grid takes all values of a parameter on which others depend"
                )
        size = self.size(space)
        if size > MAX_GRID_SIZE:
            raise InvalidArgument(
                where,
                f"has {size:,} points, at most {MAX_GRID_SIZE:,} are allowed; use fewer levels, or random or Bayesian search",
                reason=ErrorReason.GRID_TOO_LARGE,
                metadata={"size": str(size), "limit": str(MAX_GRID_SIZE)},
            )

    def warnings(self, space: SearchSpace, budget: int | None) -> Iterator[StudyWarning]:
        """A grid larger than the budget; too few points along a number to find a good region."""
        size = self.size(space)
        if budget is not None and size > budget:
            yield StudyWarning(
                kind=WarningKind.GRID_EXCEEDS_BUDGET,
                field="stopping_rules.max_trials",
                message=f"the grid has {size:,} points and the budget is {budget} trials: most of the grid will not be run; "
                "random or Bayesian search uses such a budget better",
            )
        for parameter, levels in zip(space.parameters, self.grid_axes(space), strict=True):
            cardinality = parameter.domain.cardinality
            is_number = isinstance(parameter.domain, FloatDomain | IntDomain)
            if (
                is_number
                and parameter.fidelity is None
                and levels <= COARSE_LEVELS
                and (cardinality is None or cardinality > COARSE_LEVELS)
            ):
                yield StudyWarning(
                    kind=WarningKind.COARSE_GRID,
                    field=f"algorithm.grid.levels[{parameter.name}]",
                    message=f"the grid tries only {levels} values of {parameter.name} and can step over the good "
                    "region, and over its interactions with other parameters",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Random(_Settings):
    """Independent uniform draws."""

    kind: ClassVar[str] = "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sobol(_Settings):
    """A scrambled Sobol sequence."""

    kind: ClassVar[str] = "sobol"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bayesian(_ModelSettings):
    """Gaussian process and log expected improvement, after `start_trials` space-filling trials."""

    kind: ClassVar[str] = "bayesian"
    start_trials: int = DEFAULT_START_TRIALS

    def validate(self, space: SearchSpace, where: str) -> None:
        """Raises InvalidArgument when `start_trials` is out of range."""
        if not 1 <= self.start_trials <= 1000:
            raise InvalidArgument(f"{where}.start_trials", f"must be 1 to 1000, got {self.start_trials}")


Algorithm = Auto | Manual | Grid | Random | Sobol | Bayesian

ALGORITHMS: Mapping[str, type[Algorithm]] = {algorithm.kind: algorithm for algorithm in get_args(Algorithm)}
"""The settings of each kind of algorithm."""
