"""What the health of a study is judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from asktell_server.domain.fidelity import is_at_target
from asktell_server.domain.goals import Goals, Rank
from asktell_server.domain.metrics import Objective
from asktell_server.domain.study import Study
from asktell_server.domain.trial import Trial, TrialState

FAILED = frozenset({TrialState.FAILED, TrialState.ABANDONED})
"""States of trials that should have had a result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """How much of the objective's variance a parameter explains.

    `total` is its share together with all others (Sobol indices of the model's mean), `deviation` that share's standard deviation.
    """

    parameter: str
    total: float
    deviation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """The share of the variance that two parameters explain together, beyond what each explains alone."""

    parameters: tuple[str, str]
    share: float
    deviation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimum:
    """Where a model believes the best of a space to lie, and what it believes there and of the best trial, in the objective's unit.

    `deviation` is that of the mean at the optimum.
    """

    parameters: Mapping[str, object]
    mean: float
    deviation: float
    best_mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Beliefs:
    """What the model of a study's first objective believes; a part that is not known is empty or None.

    Attributes:
        rank_correlation: of results and what the model foretells of each from all others.
        result_count: how many results that rests on.
        gains: expected gain of the best value by number of further trials, in the objective's unit.
    """

    rank_correlation: float | None = None
    result_count: int = 0
    effects: Sequence[Effect] = ()
    interactions: Sequence[Interaction] = ()
    optimum: Optimum | None = None
    gains: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)  # no slots: what is worked out once is kept
class Evidence:
    """What is known of a study.

    Attributes:
        goals: the study's, with the values of its baseline trial put in.
        trials: those that have ended and were not cancelled, by number: all, or the newest of very many.
        best: the best trial, where there is one.
        counted: how many trials that count toward the budget have ended.
    """

    study: Study
    goals: Goals
    trials: Sequence[Trial]
    best: Trial | None
    counted: int
    beliefs: Beliefs = field(default_factory=Beliefs)

    @property
    def objective(self) -> Objective:
        """The first objective."""
        return self.goals.objectives[0]

    @cached_property
    def ranked(self) -> Sequence[tuple[Rank, Trial]]:
        """The trials that were measured, with their ranks: the best first, equals by number. Only those at the highest fidelity."""
        whole = [trial for trial in self.trials if is_at_target(self.study.space, trial.parameters)]
        ranks = [(self.goals.rank(trial.result), trial) for trial in whole]
        measured = [(rank, trial) for rank, trial in ranks if rank is not None]
        return sorted(measured, key=lambda each: (each[0], each[1].number))
