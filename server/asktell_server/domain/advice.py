"""Warnings about set-ups that are allowed and usually a mistake."""

from __future__ import annotations

import re
from collections.abc import Iterator

from asktell_server.domain.metrics import Objective, OutcomeConstraint, Split
from asktell_server.domain.parents import parent_warnings
from asktell_server.domain.space import FloatDomain, IntDomain, Scale
from asktell_server.domain.study import Study
from asktell_server.domain.warning import StudyWarning, WarningKind

WIDE_RANGE_RATIO = 1000.0
"""max/min above which a positive range on a linear scale is suspicious: under 0.1 % of it lies in its lowest decades."""

_TEST_NAME = re.compile(r"(^|[^a-z])test([^a-z]|$)", re.IGNORECASE)


def warnings(study: Study) -> tuple[StudyWarning, ...]:
    """All warnings about a study, in the order of its fields."""
    return (
        *_space_warnings(study),
        *_goal_warnings(study),
        *study.algorithm.warnings(study.space, study.stopping.max_trials),
        *parent_warnings(study.parents, learns=study.algorithm.uses_model),
    )


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


def _goal_warnings(study: Study) -> Iterator[StudyWarning]:
    measured: list[tuple[str, Objective | OutcomeConstraint]] = [
        *((f"objectives[{index}]", each) for index, each in enumerate(study.goals.objectives)),
        *((f"outcome_constraints[{index}]", each) for index, each in enumerate(study.goals.outcome_constraints)),
    ]
    for field, each in measured:
        if each.split is not Split.TEST and _TEST_NAME.search(each.metric):
            yield StudyWarning(
                kind=WarningKind.TEST_METRIC_NAME,
                field=f"{field}.metric",
                message=f"{each.metric} sounds like a test metric but is declared on the {each.split.value} split; "
                "choose hyperparameters on validation data only",
            )
