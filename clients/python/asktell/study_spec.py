"""The specification of a study, and what of it can be changed later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Required, TypedDict, cast

from asktell.spaces import Space
from asktell.spec import Algorithm, Metric, Objective

__all__ = ["StudyChanges", "StudyOptions", "StudySpec"]


class StudyOptions(TypedDict, total=False):
    """The keyword arguments of `create_study`: the fields of StudySpec."""

    space: Required[Space]
    objectives: Required[Objective | Sequence[Objective]]
    metrics: Sequence[str | Metric]
    algorithm: str | Algorithm
    max_trials: int | None
    target: float | None
    patience: int | None
    deadline: datetime | None
    lease_s: float | None
    max_attempts: int | None
    max_running: int | None
    replicates: int | None
    max_staleness: int | None
    seed: int | None
    display_name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySpec:
    """All that a study is created with. None = the server's default.

    Attributes:
        space: the parameters by name.
        objectives: `Minimize("val_loss")`, or a list of such.
        metrics: further metrics that trials log, by name or as `Metric(name, split="test")`; never optimised.
        algorithm: "auto", "manual", "grid", "random", "sobol", "bayesian", or an object such as `Bayesian(8)`.
        max_trials: the budget: the study ends when so many trials have ended.
        target: it ends when the objective reaches this value.
        patience: it ends when so many trials in a row did not better the best one.
        deadline: it ends at this time (with a time zone).
        lease_s: how long a trial stays with a worker that is not heard of, in seconds; 0 = for ever; default 60.
        max_attempts: how many times a trial is started before it is given up; default 3.
        max_running: the most trials that run at once.
        replicates: how many times each configuration may be tried, where results differ from run to run; default 1.
        max_staleness: the most trials that may end between the making of a suggestion and its start; 0 = every suggestion
            knows all results; default: 0 with fewer than 6 trials running, above that by how unexpected results are.
        seed: of everything random; the server draws one when it is None.
        display_name: a title for people.
        labels: short and filterable. annotations: free values, up to 64 KiB in all.
    """

    space: Space
    objectives: Objective | Sequence[Objective]
    metrics: Sequence[str | Metric] = ()
    algorithm: str | Algorithm = "auto"
    max_trials: int | None = None
    target: float | None = None
    patience: int | None = None
    deadline: datetime | None = None
    lease_s: float | None = None
    max_attempts: int | None = None
    max_running: int | None = None
    replicates: int | None = None
    max_staleness: int | None = None
    seed: int | None = None
    display_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    def options(self) -> StudyOptions:
        """The keyword arguments of `create_study`: `client.create_study(name, **spec.options())`."""
        return cast("StudyOptions", {each.name: getattr(self, each.name) for each in fields(self)})


class StudyChanges(TypedDict, total=False):
    """The keyword arguments of `Study.update`: what is named is changed, None takes a rule or limit away."""

    max_trials: int | None
    target: float | None
    patience: int | None
    deadline: datetime | None
    max_running: int | None
    max_staleness: int | None
    display_name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
