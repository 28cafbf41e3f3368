"""Small valid studies and trials for tests; each test changes what it is about."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from asktell_server.domain.front import standings_of
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Metric, Metrics, Objective, TrackedMetric
from asktell_server.domain.names import StudyName
from asktell_server.domain.space import BoolDomain, FloatDomain, IntDomain, Parameter, SearchSpace
from asktell_server.domain.standings import Standings, standing_of
from asktell_server.domain.study import Study
from asktell_server.domain.trial import Origin, Result, Trial, TrialState

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""When everything in these tests begins."""

NAME = StudyName(project="default", study_id="example")


def later(seconds: float) -> datetime:
    """`seconds` after NOW."""
    return NOW + timedelta(seconds=seconds)


def a_space() -> SearchSpace:
    """One float, one int, one bool parameter."""
    return SearchSpace(
        parameters=(
            Parameter(name="lr", domain=FloatDomain(min=0.0, max=1.0)),
            Parameter(name="layers", domain=IntDomain(min=1, max=8), default=2),
            Parameter(name="bias", domain=BoolDomain()),
        )
    )


def a_study(**changes: Any) -> Study:
    """A study that minimises `loss` and tracks `accuracy`."""
    study = Study(
        name=NAME,
        space=a_space(),
        goals=Goals(objectives=(Objective(metric="loss", goal=Goal.MINIMIZE),)),
        tracked_metrics=(TrackedMetric(metric="accuracy"),),
        seed=7,
        create_time=NOW,
        update_time=NOW,
    )
    return dataclasses.replace(study, **changes)


def a_trial(**changes: Any) -> Trial:
    """A queued trial of that study, numbered 1."""
    trial = Trial(
        number=1,
        state=TrialState.QUEUED,
        parameters={"lr": 0.5, "layers": 2, "bias": True},
        origin=Origin.SAMPLER,
        create_time=NOW,
        revision=1,
    )
    return dataclasses.replace(trial, **changes)


def a_running_trial(lease_id: str = "lease-1", **changes: Any) -> Trial:
    """A trial that a worker holds under `lease_id`."""
    return a_trial(**changes).start(lease_id=lease_id, worker_id="worker-1", now=NOW)


def loss(value: float) -> Metrics:
    """The objective alone."""
    return {"loss": Metric(value=value)}


def success(value: float) -> Result:
    """A successful result."""
    return Result(state=TrialState.SUCCEEDED, metrics=loss(value))


def failure(reason: str = "diverged") -> Result:
    """A failed result."""
    return Result(state=TrialState.FAILED, reason=reason)


def ended_trial(number: int, value: float | None, *, after_s: float | None = None, **changes: Any) -> Trial:
    """Trial `number`, ended `after_s` seconds after NOW (default: `number`), with that loss; None = failed."""
    result = failure() if value is None else success(value)
    running = a_running_trial(f"lease-{number}", number=number)
    told, _ = running.tell(result, lease_id="", now=later(number if after_s is None else after_s))
    return dataclasses.replace(told, **changes)


def ranked(trials: Iterable[Trial], goals: Goals) -> Standings:
    """The standings of these trials."""
    standings = standings_of(goals)
    for trial in trials:
        if (standing := standing_of(trial, goals)) is not None:
            standings.put(trial.number, standing)
    return standings
