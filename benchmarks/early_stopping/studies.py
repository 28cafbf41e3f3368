"""Studies on a table: asktell's, with what its server does for a study in this process, and Optuna's, with its defaults."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from asktell_server.domain.early_stopping import (
    AutoStopping,
    Hyperband,
    MedianStopping,
    StoppingRule,
    SuccessiveHalving,
)
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Measurement, Metric, Objective
from asktell_server.domain.names import StudyName
from asktell_server.domain.space import IntDomain, Parameter, SearchSpace
from asktell_server.domain.study import Study
from asktell_server.domain.trial import Origin, Result, Trial, TrialState
from asktell_server.engine.tasks.suggest import SuggestTask
from asktell_server.service.study_view import StudyView
from asktell_server.store.protocol import StudyHead
from benchmarks.early_stopping.tables import Table

if TYPE_CHECKING:
    import optuna

MOST_TRIALS = 200
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_LOSS = "loss"


@dataclass
class Training:
    """The epochs that a study trains. Those that a configuration has been trained before cost nothing: everybody keeps them.

    Attributes:
        path: after each trial that came to its end the epochs so far, and the lowest final loss so far.
    """

    table: Table
    budget: int
    spent: int = 0
    path: list[tuple[int, float]] = field(default_factory=list)
    _trained: dict[tuple[int, ...], int] = field(default_factory=dict)

    def run(self, places: Mapping[str, int], report: Callable[[int, float], bool]) -> tuple[int, float]:
        """Trains until the end or until `report` says so; returns the epochs of the trial and its last loss."""
        key = tuple(places.values())
        for epoch, loss in enumerate(self.table.curve(places), start=1):
            if epoch > self._trained.get(key, 0):
                self._trained[key] = epoch
                self.spent += 1
            if report(epoch, loss) and epoch < self.table.epochs:
                return epoch, loss
        best = min(loss, self.path[-1][1] if self.path else math.inf)
        self.path.append((self.spent, best))
        return epoch, loss

    @property
    def configurations(self) -> int:
        """How many different ones it has trained."""
        return len(self._trained)

    @property
    def is_over(self) -> bool:
        """The budget is spent."""
        return self.spent >= self.budget


Method = Callable[[Training, int], None]
"""Runs a study with a seed until its training is over."""


def asktell_study(rules: Sequence[StoppingRule], training: Training, seed: int, *, teaches: bool = True) -> None:
    """A study with these rules. Without `teaches` the last value of a stopped trial counts as its end, for comparison."""
    table = training.table
    space = SearchSpace(
        parameters=tuple(
            Parameter(name=name, domain=IntDomain(min=0, max=len(levels) - 1)) for name, levels in table.levels.items()
        )
    )
    study = Study(
        name=StudyName(project="benchmarks", study_id=table.name),
        space=space,
        goals=Goals(objectives=(Objective(metric=_LOSS, goal=Goal.MINIMIZE),)),
        early_stopping=tuple(rules),
        seed=seed,
        create_time=_BEGIN,
        update_time=_BEGIN,
    )
    study.validate()
    view = StudyView(StudyHead(study=study, epoch="", sequence=0, last_number=0, counts={}, charged=0))
    warm_start = b""
    for number in range(1, MOST_TRIALS + 1):
        task = SuggestTask(problem=view.problem, history=view.history(), seed=seed, warm_start=warm_start)
        answer = task.run()
        if answer.fallback_reason:
            raise RuntimeError(f"the model failed: {answer.fallback_reason}")
        warm_start = answer.warm_start or warm_start
        if not answer.suggestions:  # every configuration has been tried
            return
        (suggestion,) = answer.suggestions
        trial = Trial(
            number=number,
            state=TrialState.QUEUED,
            parameters=suggestion.parameters,
            origin=Origin.MODEL,
            create_time=_BEGIN,
            revision=1,
        ).start(lease_id="lease", worker_id="", now=_BEGIN)
        view.put(trial)
        reason = ""

        def report(epoch: int, loss: float, number: int = number) -> bool:
            nonlocal reason
            measurement = Measurement(step=epoch, metrics={_LOSS: Metric(value=loss)}, report_time=_BEGIN)
            reason = view.stop_reason(number, measurement)
            view.report(number, measurement)
            return bool(reason)

        epochs, loss = training.run({name: int(value) for name, value in suggestion.parameters.items()}, report)
        state = TrialState.STOPPED if epochs < table.epochs else TrialState.SUCCEEDED
        ended, _ = trial.tell(Result(state=state, metrics={_LOSS: Metric(value=loss)}), lease_id="lease", now=_BEGIN)
        if teaches and state is TrialState.STOPPED:
            ended = dataclasses.replace(ended, expected_metrics=view.expected(ended))
        view.put(dataclasses.replace(ended, revision=2))
        if training.is_over:
            return


def optuna_study(
    sampler: str, pruner: Callable[[int], optuna.pruners.BasePruner], training: Training, seed: int
) -> None:
    """A study of Optuna in memory with its defaults; `pruner` is made for the epochs of a whole training."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study(
            sampler=getattr(optuna.samplers, sampler)(seed=seed), pruner=pruner(training.table.epochs)
        )
        for _ in range(MOST_TRIALS):
            trial = study.ask()
            places = {
                name: trial.suggest_int(name, 0, len(values) - 1) for name, values in training.table.levels.items()
            }

            def report(epoch: int, loss: float, trial: optuna.Trial = trial) -> bool:
                trial.report(loss, epoch)
                return trial.should_prune()

            epochs, loss = training.run(places, report)
            if epochs < training.table.epochs:
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            else:
                study.tell(trial, loss)
            if training.is_over:
                return


def _no_pruner(_: int) -> optuna.pruners.BasePruner:
    import optuna

    return optuna.pruners.NopPruner()


def _median(_: int) -> optuna.pruners.BasePruner:
    import optuna

    return optuna.pruners.MedianPruner()


def _halving(_: int) -> optuna.pruners.BasePruner:
    import optuna

    return optuna.pruners.SuccessiveHalvingPruner()


def _hyperband(epochs: int) -> optuna.pruners.BasePruner:
    import optuna

    return optuna.pruners.HyperbandPruner(max_resource=epochs)


def _with_hyperband(training: Training, seed: int) -> None:
    asktell_study([Hyperband(min_steps=1, max_steps=training.table.epochs)], training, seed)


_PRUNERS = {"no pruner": _no_pruner, "median": _median, "successive halving": _halving, "hyperband": _hyperband}
METHODS: Mapping[str, Method] = {
    "asktell, no rule": partial(asktell_study, []),
    "asktell, median": partial(asktell_study, [MedianStopping()]),
    "asktell, successive halving": partial(asktell_study, [SuccessiveHalving(min_steps=1)]),
    "asktell, hyperband": _with_hyperband,
    "asktell, auto": partial(asktell_study, [AutoStopping()]),
    "asktell, median, last value as final": partial(asktell_study, [MedianStopping()], teaches=False),
    "asktell, auto, last value as final": partial(asktell_study, [AutoStopping()], teaches=False),
    **{f"Optuna TPE, {name}": partial(optuna_study, "TPESampler", pruner) for name, pruner in _PRUNERS.items()},
    **{f"Optuna GP, {name}": partial(optuna_study, "GPSampler", pruner) for name, pruner in _PRUNERS.items()},
}
