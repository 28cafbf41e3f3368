"""What every task about a study holds, and what a suggestion is. Plain values: cheap to pickle, free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from asktell_server.domain.algorithm import Algorithm
from asktell_server.domain.goals import Goals
from asktell_server.domain.provenance import Fit, Provenance
from asktell_server.domain.space import Configuration, Key, ParameterValue, SearchSpace
from asktell_server.domain.trial import Origin, Prediction
from asktell_server.engine.earlier import Earlier
from asktell_server.engine.history import History, moved
from asktell_server.engine.space.region import Region, region_of
from asktell_server.engine.task import Answer

_LARGE = 2000
"""Configurations that are packed within a millisecond or two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is to be optimised, and how. Each configuration may be tried `replicates` times."""

    space: SearchSpace
    goals: Goals
    algorithm: Algorithm
    replicates: int = 1

    def empty_history(self) -> History:
        """The history of a study of this problem that has not begun; its metrics are those of the goals, in their order, and
        behind them the cost metric, where there is one.
        """
        return History(self.space, metrics=self.goals.width)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyTask:
    """What is known of a study.

    `pending` are configurations that are running or handed out; `seed` is the study's seed, and everything random is
    drawn from it and from the number of observations and pending trials; `warm_start` is what an earlier answer for
    the same problem carried, and may be empty or foreign (then it is ignored). `cost_exponent` says how much to mind what trials
    cost: the acquisition is divided by the expected cost to that power, so 0 is not at all and 1 is improvement per cost. `fixed`
    are values that whatever is suggested must have (`fixed_values`). `earlier` are results of before, which are none of the study's
    own. `doubts` are variances of the observations (n, or none) beside what is known of them, where that of all results is about 1.

    Where `begin_at` says something, new configurations are wanted, which `fixed` gives the highest fidelity: the search is for what is best
    there, but they are going to be run at these fidelities, one after the other, and what has been tried at another one is not new.
    """

    problem: Problem
    history: History
    pending: Sequence[Configuration] = ()
    seed: int = 0
    warm_start: bytes = b""
    cost_exponent: float = 0.0
    fixed: Configuration = field(default_factory=dict)
    earlier: tuple[Earlier, ...] = ()
    doubts: tuple[float, ...] = ()
    begin_at: Sequence[ParameterValue] = ()

    @property
    def taken(self) -> tuple[History, Sequence[Key]]:
        """What has been tried and what is pending, as far as it matters for what is new: where `begin_at` says something, each
        configuration at the highest fidelity.
        """
        space = self.problem.space
        pending = [space.key(configuration) for configuration in self.pending]
        if not self.begin_at or space.fidelity is None:
            return self.history, pending
        name = space.fidelity.name
        place, target = space.names.index(name), self.fixed[name]
        return self.history.moved(place, target), [moved(key, place, target) for key in pending]

    @property
    def region(self) -> Region:
        """Which configurations may be suggested."""
        return region_of(self.problem.space, tuple(self.fixed.items()))

    def is_large(self) -> bool:
        """See Task."""
        return len(self.history) + len(self.pending) > _LARGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A configuration to try. `prediction` is set for Origin.MODEL only; `provenance` is added by whoever knows the study.

    `continues`: the place in the history of the observation that it goes on from, for Origin.PROMOTION; then `continue_from` is the
    number of its trial, which whoever knows the study adds, too.
    """

    parameters: Configuration
    origin: Origin
    prediction: Prediction | None = None
    provenance: Provenance | None = None
    continues: int | None = None
    continue_from: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestResult(Answer):
    """Suggestions (fewer than asked for only when the space, or its grid, is exhausted) and the next warm start.

    `fits` are the hyperparameters of each metric's model, in the order of the goals, where a model was used; `informed`: it was one
    of earlier results, too.
    """

    suggestions: tuple[Suggestion, ...]
    warm_start: bytes = b""
    fits: tuple[Fit, ...] = ()
    informed: bool = False
