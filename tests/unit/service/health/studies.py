"""Evidence of made-up studies, each of which is healthy but for what its test is about."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from asktell_server.domain.metrics import Metric, Split, TrackedMetric
from asktell_server.domain.space import CategoricalDomain, Configuration, FloatDomain, Parameter, Scale, SearchSpace
from asktell_server.domain.trial import Result, Trial, TrialState
from asktell_server.service.health.checking import findings_of
from asktell_server.service.health.evidence import Beliefs, Evidence
from asktell_server.service.health.finding import Finding
from tests.support.builders import a_study, a_trial, loss, ranked

SPACE = SearchSpace(
    parameters=(
        Parameter(name="lr", domain=FloatDomain(min=1e-5, max=1e-1, scale=Scale.LOG)),
        Parameter(name="momentum", domain=FloatDomain(min=0.0, max=1.0)),
        Parameter(name="optimizer", domain=CategoricalDomain(values=("sgd", "adam", "lion"))),
    )
)
TEST_LOSS = TrackedMetric(metric="test_loss", split=Split.TEST)


def configuration(index: int) -> Configuration:
    """Spread all over the space."""
    one, other = (math.modf((index + 1) * math.sqrt(prime))[0] for prime in (2, 3))
    return {"lr": 10 ** (-5 + 4 * one), "momentum": other, "optimizer": ("sgd", "adam", "lion")[index % 3]}


def bowl(parameters: Configuration) -> float:
    """Lowest in the middle of both ranges."""
    return (math.log10(float(parameters["lr"])) + 3) ** 2 + (float(parameters["momentum"]) - 0.5) ** 2


def trials(
    count: int = 40,
    *,
    at: Callable[[int], Configuration] = configuration,
    result: Callable[[Configuration], Result | float] = bowl,
    further: Callable[[int, Configuration], Mapping[str, float]] = lambda index, parameters: {},
) -> Sequence[Trial]:
    """Trials that have ended, with numbers from 1 on."""
    ended = []
    for index in range(count):
        parameters = at(index)
        outcome = result(parameters)
        if not isinstance(outcome, Result):
            metrics = {
                **loss(outcome),
                **{name: Metric(value=value) for name, value in further(index, parameters).items()},
            }
            outcome = Result(state=TrialState.SUCCEEDED, metrics=metrics)
        ended.append(
            dataclasses.replace(
                a_trial(number=index + 1, parameters=parameters),
                state=outcome.state,
                metrics=outcome.metrics,
                reason=outcome.reason,
            )
        )
    return ended


def evidence(ended: Sequence[Trial], *, beliefs: Beliefs | None = None, **study: Any) -> Evidence:
    """What is known of a study of these trials."""
    known = a_study(**{"space": SPACE, "tracked_metrics": (TEST_LOSS,), **study})
    best = ranked(ended, known.goals).best(1)
    return Evidence(
        study=known,
        goals=known.goals,
        trials=ended,
        best=next((trial for trial in ended if trial.number in best), None),
        counted=len(ended),
        beliefs=beliefs or Beliefs(),
    )


def the_finding(known: Evidence) -> Finding:
    """The one thing that all checks together find."""
    (finding,) = findings_of(known)
    return finding
