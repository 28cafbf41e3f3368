"""Asking the server for everything that an explanation shows. What it cannot say is said to be absent, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from asktell._core.study_view import StudyView
from asktell._sync.study import Study
from asktell._sync.trial import Trial
from asktell.analysis import CrossValidation, Health, Importances, Interactions, Slice, TradeOff
from asktell.cli.configurations import chosen_parameters
from asktell.cli.output import Best
from asktell.errors import (
    DeadlineExceeded,
    FailedPrecondition,
    InvalidArgument,
    NotSupported,
    Overloaded,
    TooFewResults,
)
from asktell.records import BestByModel, Prediction
from asktell.spaces import ParameterValue

T = TypeVar("T")

_MOST_SLICES = 6
_CONTOUR_POINTS = 25
_SLICE_POINTS = 50


@dataclass(frozen=True, slots=True)
class Absent:
    """A part that is not there. `reason`: why, in a sentence without its beginning: `needs 3 results …`."""

    reason: str


NO_ANALYSIS = Absent("this server has no analysis")
"""Of a server that is older than this client."""


Part: TypeAlias = T | Absent


@dataclass(frozen=True, slots=True, kw_only=True)
class OfMetric:
    """What the model says of one objective."""

    importances: Part[Importances]
    interactions: Part[Interactions]
    cross_validation: Part[CrossValidation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommended:
    """The configuration to use. `by_model`: the trial is best when noise is taken off; None = it has the best value."""

    trial: Trial
    by_model: BestByModel[Trial] | None
    expected: Part[Prediction]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What is known of a study.

    Attributes:
        best: which trials are marked.
        front: the best trials: one, several equals or a Pareto front; where no trial keeps the constraints those that miss them least.
        recommended: with one objective and a feasible result.
        metrics: what the model says, by objective.
        trade_offs: of several objectives.
        hypervolume: of several objectives, that of the front.
    """

    study: Study
    trials: Sequence[Trial]
    best: Best
    front: Sequence[Trial]
    recommended: Part[Recommended]
    metrics: Mapping[str, OfMetric]
    health: Part[Health]
    trade_offs: Part[Sequence[TradeOff]]
    hypervolume: float | None

    @property
    def has_model(self) -> bool:
        """The server says something of a model, be it that results are too few."""
        return any(found.importances is not NO_ANALYSIS for found in self.metrics.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Landscape:
    """The model's mean along the parameters that matter most, from the recommended configuration."""

    slices: Part[Sequence[Slice]]
    contours: Part[Sequence[Slice]]


def gather(study: Study) -> Explanation:
    """All that is shown as text. Raises AsktellError: the server does not answer."""
    trials = study.trials()
    front = study.best_trials()
    by_model = study.best_by_model
    feasible = [trial for trial in front if not trial.violation]
    best = Best(
        observed=frozenset(trial.number for trial in (feasible if len(study.objectives) > 1 else feasible[:1])),
        by_model=None if by_model is None else by_model.trial.number,
    )
    several = len(study.objectives) > 1
    return Explanation(
        study=study,
        trials=trials,
        best=best,
        front=front,
        recommended=_recommended(study, feasible, by_model),
        metrics={each.metric: _of_metric(study, each.metric) for each in study.objectives},
        health=_part(study.health),
        trade_offs=_part(study.trade_offs) if several else Absent("is for several objectives"),
        hypervolume=study.hypervolume if several else None,
    )


def _of_metric(study: Study, metric: str) -> OfMetric:
    return OfMetric(
        importances=_part(lambda: study.importances(metric)),
        interactions=_part(lambda: study.interactions(metric)),
        cross_validation=_part(lambda: study.cross_validate(metric)),
    )


def _recommended(study: Study, feasible: Sequence[Trial], by_model: BestByModel[Trial] | None) -> Part[Recommended]:
    if len(study.objectives) > 1:
        return Absent("with several objectives it depends on what one of them is worth in terms of another")
    if not feasible:
        return Absent(
            "needs a result that keeps the outcome constraints" if study.outcome_constraints else "needs a result"
        )
    trial = feasible[0] if by_model is None else by_model.trial
    return Recommended(
        trial=trial, by_model=by_model, expected=_part(lambda: study.predict(chosen_parameters(study, trial.params)))
    )


def landscape(explanation: Explanation) -> Landscape:
    """The slices and contours for the first objective: a call for each."""
    study = explanation.study
    of_first = explanation.metrics[study.objectives[0].metric]
    if isinstance(of_first.importances, Absent):
        return Landscape(slices=of_first.importances, contours=of_first.importances)
    reference = _reference(explanation)
    names = [name for name in of_first.importances if reference is None or name in reference]
    pairs = [] if isinstance(of_first.interactions, Absent) else [each.parameters for each in of_first.interactions]
    pairs = [pair for pair in pairs if {*pair} <= {*names}][:1]
    if len(names) > 1 and {*names[:2]} not in [{*pair} for pair in pairs]:
        pairs.insert(0, (names[0], names[1]))

    def along(*parameters: str, points: int) -> Part[Slice]:
        fixed = {name: value for name, value in (reference or {}).items() if name not in parameters}
        return _part(lambda: study.slice(*parameters, reference=fixed, resolution=points))

    slices = [along(name, points=_SLICE_POINTS) for name in names[:_MOST_SLICES]]
    contours = [along(*_in_order(study, pair), points=_CONTOUR_POINTS) for pair in pairs]
    return Landscape(
        slices=_those_there(slices), contours=_those_there(contours) if contours else Absent("needs two parameters")
    )


def _reference(explanation: Explanation) -> Mapping[str, ParameterValue] | None:
    """The configuration to use; with several objectives None: the server has the best trial's by the first one."""
    found = explanation.recommended
    return None if isinstance(found, Absent) else chosen_parameters(explanation.study, found.trial.params)


def _in_order(study: StudyView, pair: tuple[str, str]) -> list[str]:
    return sorted(pair, key=list(study.space).index)


def _those_there(parts: Sequence[Part[T]]) -> Part[Sequence[T]]:
    """The parts that are there, or why none is."""
    found = [part for part in parts if not isinstance(part, Absent)]
    absent = [part for part in parts if isinstance(part, Absent)]
    return absent[0] if absent and not found else found


def _part(ask: Callable[[], T]) -> Part[T]:
    try:
        return ask()
    except TooFewResults as error:
        return Absent(f"needs {error.required} results, there {_are(error.results)}" if error.required else str(error))
    except NotSupported:
        return NO_ANALYSIS
    except (FailedPrecondition, InvalidArgument, Overloaded, DeadlineExceeded) as error:
        return Absent(str(error))


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count}"
