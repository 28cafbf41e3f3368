"""Studies' specifications to the wire and back; their search spaces are in `space_codec`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from asktell._core.values import (
    real,
    text,
    whole,
)
from asktell.spec import (
    ALGORITHMS,
    Algorithm,
    Auto,
    Bayesian,
    Goal,
    Grid,
    LeasePolicy,
    Metric,
    Objective,
    OutcomeConstraint,
    Split,
)
from asktell.v1 import study_pb2

_GOALS = {Goal.MINIMIZE: study_pb2.GOAL_MINIMIZE, Goal.MAXIMIZE: study_pb2.GOAL_MAXIMIZE}
_SPLITS = {
    Split.VALIDATION: study_pb2.SPLIT_VALIDATION,
    Split.TRAIN: study_pb2.SPLIT_TRAIN,
    Split.TEST: study_pb2.SPLIT_TEST,
}


def encode_parents(parents: str | Sequence[str], where: str = "parents") -> list[str]:
    """Ids of studies on the wire, one or several. Raises TypeError naming the one that is no text."""
    named = [parents] if isinstance(parents, str) else parents
    return [text(each, f"{where}[{index}]") for index, each in enumerate(named)]


def encode_objectives(objectives: Objective | Iterable[Objective], _: str = "objectives") -> list[study_pb2.Objective]:
    """Objectives on the wire; a single one may come without its list."""
    listed = [objectives] if isinstance(objectives, Objective) else list(objectives)
    for index, objective in enumerate(listed):
        if not isinstance(objective, Objective):
            raise TypeError(f"objectives[{index}] must be Minimize(…) or Maximize(…), got {objective!r}")
    return [
        study_pb2.Objective(
            metric=each.metric,
            goal=_GOALS[each.goal],
            split=_SPLITS[each.split],
            reference_value=_real_or_none(each.reference, f"objectives[{index}].reference"),
        )
        for index, each in enumerate(listed)
    ]


def decode_objectives(study: study_pb2.Study, _: str = "") -> list[Objective]:
    """The objectives of a study."""
    goals = {code: goal for goal, code in _GOALS.items()}
    return [
        Objective(
            each.metric,
            goals[each.goal],
            _split(each.split),
            each.reference_value if each.HasField("reference_value") else None,
        )
        for each in study.objectives
    ]


def encode_constraints(
    constraints: OutcomeConstraint | Iterable[OutcomeConstraint], where: str = "outcome_constraints"
) -> list[study_pb2.OutcomeConstraint]:
    """Outcome constraints on the wire; a single one may come without its list."""
    listed = [constraints] if isinstance(constraints, OutcomeConstraint) else list(constraints)
    messages = []
    for index, each in enumerate(listed):
        if not isinstance(each, OutcomeConstraint):
            raise TypeError(f"{where}[{index}] must be AtMost(…) or AtLeast(…), got {each!r}")
        message = study_pb2.OutcomeConstraint(
            metric=text(each.metric, f"{where}[{index}].metric"),
            of_baseline=each.of_baseline,
            split=_SPLITS[Split(each.split)],
        )
        if (each.max is None) == (each.min is None):
            raise ValueError(f"{where}[{index}] must have one bound, max or min")
        if each.max is None:
            message.min = real(each.min, f"{where}[{index}].min")
        else:
            message.max = real(each.max, f"{where}[{index}].max")
        messages.append(message)
    return messages


def decode_constraints(study: study_pb2.Study, _: str = "") -> list[OutcomeConstraint]:
    """The outcome constraints of a study."""
    return [
        OutcomeConstraint(
            metric=each.metric,
            max=each.max if each.HasField("max") else None,
            min=each.min if each.HasField("min") else None,
            of_baseline=each.of_baseline,
            split=_split(each.split),
        )
        for each in study.outcome_constraints
    ]


def encode_target(target: float | Mapping[str, float] | None, where: str) -> study_pb2.StoppingRules | None:
    """A target on the wire: one number, or numbers by objective. Merged into the other rules."""
    if target is None:
        return None
    if isinstance(target, Mapping):
        values = {text(name, f"a key of {where}"): real(value, f"{where}[{name!r}]") for name, value in target.items()}
        return study_pb2.StoppingRules(target_values=values)
    return study_pb2.StoppingRules(target_value=real(target, where))


def decode_target(study: study_pb2.Study, _: str) -> float | dict[str, float] | None:
    """The target of a study."""
    rules = study.stopping_rules
    return dict(rules.target_values) or (rules.target_value if rules.HasField("target_value") else None)


def _real_or_none(value: float | None, where: str) -> float | None:
    return None if value is None else real(value, where)


def encode_metrics(metrics: Sequence[str | Metric], _: str = "metrics") -> list[study_pb2.TrackedMetric]:
    """Tracked metrics on the wire; a plain name is one on the validation split."""
    listed = []
    for index, metric in enumerate(metrics):
        if not isinstance(metric, str | Metric):
            raise TypeError(f"metrics[{index}] must be a name or a Metric, got {metric!r}")
        full = Metric(metric) if isinstance(metric, str) else metric
        listed.append(study_pb2.TrackedMetric(metric=full.name, split=_SPLITS[Split(full.split)]))
    return listed


def decode_metrics(study: study_pb2.Study, _: str = "") -> list[Metric]:
    """The tracked metrics of a study."""
    return [Metric(each.metric, _split(each.split)) for each in study.tracked_metrics]


def _split(code: study_pb2.Split.ValueType) -> Split:
    return next((split for split, other in _SPLITS.items() if other == code), Split.VALIDATION)


def encode_algorithm(algorithm: str | Algorithm, _: str = "algorithm") -> study_pb2.Algorithm:
    """An algorithm on the wire. Raises ValueError: no algorithm has that name."""
    if isinstance(algorithm, str):
        if algorithm not in ALGORITHMS:
            raise ValueError(f"algorithm must be one of {', '.join(ALGORITHMS)}, got {algorithm!r}")
        algorithm = ALGORITHMS[algorithm]()
    if not isinstance(algorithm, tuple(ALGORITHMS.values())):
        raise TypeError(f"algorithm must be a name or one of asktell's algorithms, got {algorithm!r}")
    name = next(name for name, kind in ALGORITHMS.items() if isinstance(algorithm, kind))
    wire = study_pb2.Algorithm()
    getattr(wire, name).SetInParent()
    if isinstance(algorithm, Grid):
        wire.grid.default_levels = whole(algorithm.default_levels, "algorithm.default_levels")
        for parameter, count in algorithm.levels.items():
            wire.grid.levels[parameter] = whole(count, f"algorithm.levels[{parameter!r}]")
    elif isinstance(algorithm, Bayesian):
        wire.bayesian.start_trials = whole(algorithm.start_trials, "algorithm.start_trials")
    return wire


def decode_algorithm(study: study_pb2.Study, _: str = "") -> Algorithm:
    """The algorithm of a study, with its defaults filled in."""
    wire = study.algorithm
    kind = wire.WhichOneof("kind")
    if kind == "grid":
        return Grid(dict(wire.grid.levels), wire.grid.default_levels or Grid().default_levels)
    if kind == "bayesian":
        return Bayesian(wire.bayesian.start_trials or Bayesian().start_trials)
    return Auto() if kind is None else ALGORITHMS[kind]()


def decode_lease_s(policy: study_pb2.LeasePolicy, _: str = "") -> float:
    """How long a lease lasts, in seconds."""
    if not policy.HasField("lease_duration"):
        return LeasePolicy().duration_s
    return policy.lease_duration.ToTimedelta().total_seconds()


def decode_max_attempts(policy: study_pb2.LeasePolicy, _: str = "") -> int:
    """How many times a trial is started before it is given up."""
    return policy.max_attempts or LeasePolicy().max_attempts
