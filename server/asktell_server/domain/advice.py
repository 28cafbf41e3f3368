"""Warnings about set-ups that are allowed and usually a mistake."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass

from asktell_server.domain.algorithm import Auto, Bayesian, Grid
from asktell_server.domain.metrics import Split
from asktell_server.domain.space import FloatDomain, IntDomain, Scale
from asktell_server.domain.study import Study

WIDE_RANGE_RATIO = 1000.0
"""max/min above which a positive range on a linear scale is suspicious: under 0.1 % of it lies in its lowest decades."""
TRIALS_PER_PARAMETER = 3
"""Below this many trials per parameter a model has hardly anything to learn from."""
COARSE_LEVELS = 3
"""A grid with at most this many points along a numeric parameter usually steps over the good region."""

_TEST_NAME = re.compile(r"(^|[^a-z])test([^a-z]|$)", re.IGNORECASE)


class WarningKind(enum.StrEnum):
    """What a warning is about."""

    GRID_EXCEEDS_BUDGET = "GRID_EXCEEDS_BUDGET"
    BUDGET_TOO_SMALL = "BUDGET_TOO_SMALL"
    TEST_METRIC_NAME = "TEST_METRIC_NAME"
    WIDE_LINEAR_RANGE = "WIDE_LINEAR_RANGE"
    COARSE_GRID = "COARSE_GRID"
    DIFFERS_FROM_REQUEST = "DIFFERS_FROM_REQUEST"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyWarning:
    """One warning: its kind, the field as a path from the study, and a sentence for people."""

    kind: WarningKind
    field: str
    message: str


def warnings(study: Study) -> tuple[StudyWarning, ...]:
    """All warnings about a study, in the order of its fields."""
    return (*_space_warnings(study), *_objective_warnings(study), *_algorithm_warnings(study))


def _space_warnings(study: Study) -> Iterator[StudyWarning]:
    for index, parameter in enumerate(study.space.parameters):
        domain = parameter.domain
        if not isinstance(domain, FloatDomain | IntDomain) or domain.scale is not Scale.LINEAR:
            continue
        if isinstance(domain, FloatDomain) and domain.min > 0 and domain.max / domain.min >= WIDE_RANGE_RATIO:
            yield StudyWarning(
                kind=WarningKind.WIDE_LINEAR_RANGE,
                field=f"search_space.parameters[{index}]",
                message=f"{parameter.name} spans {domain.min:g} to {domain.max:g} on a linear scale, so nearly all values "
                "tried lie near the upper end; a log scale is usually meant",
            )


def _objective_warnings(study: Study) -> Iterator[StudyWarning]:
    for index, objective in enumerate(study.objectives):
        if objective.split is not Split.TEST and _TEST_NAME.search(objective.metric):
            yield StudyWarning(
                kind=WarningKind.TEST_METRIC_NAME,
                field=f"objectives[{index}].metric",
                message=f"{objective.metric} sounds like a test metric but is declared on the {objective.split.value} split; "
                "choose hyperparameters on validation data only",
            )


def _algorithm_warnings(study: Study) -> Iterator[StudyWarning]:
    budget = study.stopping.max_trials
    if isinstance(study.algorithm, Grid):
        yield from _grid_warnings(study, study.algorithm, budget)
    elif isinstance(study.algorithm, Auto | Bayesian) and budget is not None:
        wanted = TRIALS_PER_PARAMETER * len(study.space.parameters)
        cardinality = study.space.cardinality
        if budget < wanted and (cardinality is None or budget < cardinality):
            yield StudyWarning(
                kind=WarningKind.BUDGET_TOO_SMALL,
                field="stopping_rules.max_trials",
                message=f"{budget} trials are few for {len(study.space.parameters)} parameters; at least {wanted} are advisable, "
                "or fewer parameters",
            )


def _grid_warnings(study: Study, grid: Grid, budget: int | None) -> Iterator[StudyWarning]:
    size = grid.size(study.space)
    if budget is not None and size > budget:
        yield StudyWarning(
            kind=WarningKind.GRID_EXCEEDS_BUDGET,
            field="stopping_rules.max_trials",
            message=f"the grid has {size:,} points and the budget is {budget} trials: most of the grid will not be run; "
            "random or Bayesian search uses such a budget better",
        )
    for parameter in study.space.parameters:
        continuous = isinstance(parameter.domain, FloatDomain | IntDomain)
        if continuous and grid.levels_of(parameter) <= COARSE_LEVELS < (
            parameter.domain.cardinality or COARSE_LEVELS + 1
        ):
            yield StudyWarning(
                kind=WarningKind.COARSE_GRID,
                field=f"algorithm.grid.levels[{parameter.name}]",
                message=f"the grid tries only {grid.levels_of(parameter)} values of {parameter.name} and can step over the good "
                "region, and over its interactions with other parameters",
            )
