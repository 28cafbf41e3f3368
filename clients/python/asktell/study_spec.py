"""The specification of a study, and what of it can be changed later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Required, TypedDict

from asktell.early_stopping import EarlyStopping
from asktell.spaces import Space
from asktell.spec import Algorithm, Metric, Objective, OutcomeConstraint

__all__ = ["SpecOptions", "StudyChanges", "StudyOptions"]


class StudyChanges(TypedDict, total=False):
    """The keyword arguments of `Study.update`: what is named is changed, None takes it away.

    Attributes:
        max_trials: the budget: the study ends when this many trials have ended.
        target: it ends when the objective reaches this value. With several objectives: when their hypervolume does, or as a
            mapping, values by objective, when one trial reaches all of them.
        patience: it ends when this many trials in a row did not better the best one.
        deadline: it ends at this time (with a time zone).
        min_expected_gain: it ends when the next 10 trials together are expected to better the best value by less than this,
            in the objective's unit.
        baseline_trial: the number of the trial that bounds with `of_baseline` refer to; None = the first imported one.
        early_stopping: when a running trial is told to stop: `MedianStopping()`, `SuccessiveHalving(min_steps=1)`, or several
            joined by `|`.
        max_running: the most trials that run at once.
        max_staleness: the most trials that may end between the computation of a suggestion and its start; 0 = every
            suggestion knows all results. By default it is 0 with fewer than 6 running trials; with more, results count by their
            surprise: how far they lie from their prediction.
        display_name: a title for people.
        labels: short and filterable.
        annotations: free values, up to 64 KiB in all.
        note: free text for people, in lines, up to 16 KiB.
    """

    max_trials: int | None
    target: float | Mapping[str, float] | None
    patience: int | None
    deadline: datetime | None
    min_expected_gain: float | None
    baseline_trial: int | None
    early_stopping: EarlyStopping | None
    max_running: int | None
    max_staleness: int | None
    display_name: str | None
    labels: Mapping[str, str] | None
    annotations: Mapping[str, str] | None
    note: str | None


class SpecOptions(StudyChanges, total=False):
    """What a study may have besides a space and objectives; None, and what is not named, leave it to the server.

    Attributes:
        parameter_constraints: what sums of parameters must keep, in their own units: `["width + 2*depth <= 64", "low <= high"]`.
        outcome_constraints: bounds that good trials keep: `AtMost("latency_ms", 50)`, `AtLeast("accuracy", 0.9)`, or a list.
        metrics: further metrics that trials log, by name or as `Metric(name, split="test")`; never optimised.
        cost: a metric that says what a trial cost, such as seconds of training: at least 0, and optional in a result. See
            `AskOptions.cost_aware`.
        algorithm: "auto", "manual", "grid", "random", "sobol", "bayesian", or an object such as `Bayesian(8)`.
        lease_s: how long a trial stays with a worker that is not heard of, in seconds; 0 = for ever; default 60.
        max_attempts: how many times a trial is started before it is given up; default 3.
        replicates: how many times each configuration may be tried, where results differ from run to run; default 1.
        parents: ids of 1 to 8 earlier studies of the project. What they have found by now informs the suggestions from the first one
            on, as long as it foretells this study's own results; parameters are matched by name.
        seed: of everything random; the server draws one when it is None.
    """

    parameter_constraints: Sequence[str]
    outcome_constraints: OutcomeConstraint | Sequence[OutcomeConstraint]
    metrics: Sequence[str | Metric]
    cost: str | None
    algorithm: str | Algorithm
    lease_s: float | None
    max_attempts: int | None
    replicates: int | None
    parents: str | Sequence[str] | None
    seed: int | None


class StudyOptions(SpecOptions, total=False):
    """The keyword arguments of `create_study`; None, and what is not named, leave it to the server.

    Attributes:
        space: the parameters by name.
        objectives: `Minimize("val_loss")`, or a list of up to 6 such.
    """

    space: Required[Space]
    objectives: Required[Objective | Sequence[Objective]]
