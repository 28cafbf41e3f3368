"""What goes into the engine and what comes out. Plain values: cheap to pickle, free of torch."""

from __future__ import annotations

import enum
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from asktell_server.domain.algorithm import Algorithm
from asktell_server.domain.goals import Goals
from asktell_server.domain.provenance import Fit, Provenance
from asktell_server.domain.space import Configuration, Key, SearchSpace
from asktell_server.domain.trial import Origin, Prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is to be optimised, and how. Each configuration may be tried `replicates` times."""

    space: SearchSpace
    goals: Goals
    algorithm: Algorithm
    replicates: int = 1


class Outcome(enum.Enum):
    """What is known about a configuration that was tried."""

    VALUE = enum.auto()
    """It has an objective value."""
    FAILED = enum.auto()
    """It crashed or diverged: likely to again."""
    INFEASIBLE = enum.auto()
    """It cannot be run."""
    UNKNOWN = enum.auto()
    """Nothing (cancelled, abandoned): only not to be repeated."""


_OUTCOMES = {outcome.value: outcome for outcome in Outcome}


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A configuration that was tried. `value` (the objective in its own unit and goal) is set for VALUE only."""

    parameters: Configuration
    outcome: Outcome
    value: float | None = None
    standard_error: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A configuration to try. `prediction` is set for Origin.MODEL only; `provenance` is added by whoever knows the study."""

    parameters: Configuration
    origin: Origin
    prediction: Prediction | None = None
    provenance: Provenance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestTask:
    """The input of one suggestion. The same task always gives the same suggestions.

    `pending` are configurations that are running or handed out; `seed` is the study's seed, and everything random is
    drawn from it and from the number of observations and pending trials; `warm_start` is what an earlier answer for
    the same problem carried, and may be empty or foreign (then it is ignored). `tried` holds the keys of the observations
    of an infinite space, where somebody has them at hand: a sampler without a model looks there instead of comparing
    with each.
    """

    problem: Problem
    observations: Sequence[Observation]
    pending: Sequence[Configuration] = ()
    count: int = 1
    seed: int = 0
    warm_start: bytes = b""
    tried: Container[Key] | None = field(default=None, compare=False, repr=False)

    def __reduce__(self) -> tuple[object, ...]:
        """For a pickle: the observations by columns, half the size and time of an object each; without `tried`."""
        seen = self.observations
        columns = (
            [self.problem.space.key(one.parameters) for one in seen],
            [one.outcome.value for one in seen],
            [one.value for one in seen],
            [one.standard_error for one in seen],
        )
        rest = (self.problem, tuple(self.pending), self.count, self.seed, self.warm_start)
        return _task_of_columns, (columns, *rest)


def _task_of_columns(
    columns: tuple[Sequence[Key], Sequence[int], Sequence[float | None], Sequence[float | None]],
    problem: Problem,
    pending: Sequence[Configuration],
    count: int,
    seed: int,
    warm_start: bytes,
) -> SuggestTask:
    observations = tuple(
        Observation(
            parameters=problem.space.configuration(key), outcome=_OUTCOMES[outcome], value=value, standard_error=error
        )
        for key, outcome, value, error in zip(*columns, strict=True)
    )
    return SuggestTask(
        problem=problem, observations=observations, pending=pending, count=count, seed=seed, warm_start=warm_start
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestResult:
    """Suggestions (fewer than asked for only when the space, or its grid, is exhausted) and the next warm start.

    `fit` are the hyperparameters of the model, where one was used. `fallback_reason` says why it was not, when it should
    have been; for the log and a counter.
    """

    suggestions: tuple[Suggestion, ...]
    warm_start: bytes = b""
    fit: Fit | None = None
    fallback_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessTask:
    """Asks what a model makes of a history; at least one observation has a value. Pending trials play no part."""

    history: SuggestTask


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What a model makes of a history, in the objective's unit.

    Attributes:
        best: which observation has the best posterior mean.
        mean: that mean, of the objective without noise. `standard_deviation` is how uncertain it is.
        noise: standard deviation of one result, beyond standard errors that were told.
        noisy: results differ from run to run, so that the best one may have been lucky.
    """

    best: int
    mean: float
    standard_deviation: float
    noise: float
    noisy: bool


class Suggester(Protocol):
    """Whatever turns tasks into suggestions: in this process, or in a pool of workers."""

    async def suggest(self, task: SuggestTask) -> SuggestResult:
        """Suggests; never fails because of a model (it falls back instead). Raises ResourceExhausted: OVERLOADED."""
        ...


class SpareSuggester(Suggester, Protocol):
    """A suggester that can say whether it has nothing more urgent to do."""

    async def spare(self) -> None:
        """Returns once a worker is idle and no `suggest` waits for one."""
        ...

    async def suggest_if_idle(self, task: SuggestTask) -> SuggestResult | None:
        """Suggests with a worker that is idle now; None where there is none, or where it failed at it."""
        ...


class Assessor(Protocol):
    """Whatever judges histories."""

    async def assess(self, task: AssessTask) -> Assessment | None:
        """Judges as soon as nothing more urgent is to be done; None where the model failed."""
        ...
