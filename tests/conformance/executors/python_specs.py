"""Studies and values of the contract as the Python client's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import asktell
from asktell.early_stopping import RULES
from asktell.v1 import search_space_pb2, study_pb2, trial_pb2, trial_service_pb2


def value(wire: Any) -> asktell.ParameterValue:
    """A parameter value."""
    plain: asktell.ParameterValue = getattr(wire, wire.WhichOneof("kind"))
    return plain


def values(wire: Mapping[str, Any]) -> dict[str, asktell.ParameterValue]:
    """A configuration."""
    return {name: value(each) for name, each in wire.items()}


def metrics(wire: Mapping[str, Any]) -> dict[str, asktell.MetricInput]:
    """Metrics; one with its standard error becomes a MetricValue."""
    return {
        name: asktell.MetricValue(each.value, each.standard_error) if each.HasField("standard_error") else each.value
        for name, each in wire.items()
    }


def outcome(code: trial_service_pb2.TellOutcome.ValueType) -> asktell.Outcome:
    """An outcome; unset means success."""
    name = trial_service_pb2.TellOutcome.Name(code or trial_service_pb2.TELL_OUTCOME_SUCCEEDED)
    return asktell.Outcome(name.removeprefix("TELL_OUTCOME_"))


def spec(study: study_pb2.Study) -> dict[str, Any]:
    """The keyword arguments of `create_study`."""
    rules, lease = study.stopping_rules, study.lease_policy
    arguments: dict[str, Any] = {
        "space": space(study.search_space),
        "parameter_constraints": list(study.search_space.parameter_constraints),
        "objectives": objectives(study.objectives),
        "outcome_constraints": constraints(study.outcome_constraints),
        "metrics": [asktell.Metric(each.metric, _split(each.split)) for each in study.tracked_metrics],
        "algorithm": algorithm(study.algorithm),
        "display_name": study.display_name,
        "labels": dict(study.labels),
        "annotations": dict(study.annotations),
    }
    optional = {
        "max_trials": rules.max_trials if rules.HasField("max_trials") else None,
        "target": dict(rules.target_values) or (rules.target_value if rules.HasField("target_value") else None),
        "patience": rules.patience_trials if rules.HasField("patience_trials") else None,
        "min_expected_gain": rules.min_expected_gain if rules.HasField("min_expected_gain") else None,
        "lease_s": lease.lease_duration.ToTimedelta().total_seconds() if lease.HasField("lease_duration") else None,
        "max_attempts": lease.max_attempts or None,
        "early_stopping": early_stopping(study.early_stopping),
        "max_running": study.max_running_trials or None,
        "replicates": study.replicates or None,
        "max_staleness": study.max_staleness if study.HasField("max_staleness") else None,
        "baseline_trial": study.baseline_trial or None,
        "cost": study.cost_metric or None,
        "parents": list(study.parents) or None,
        "seed": study.seed if study.HasField("seed") else None,
    }
    return arguments | {name: each for name, each in optional.items() if each is not None}


def early_stopping(wire: study_pb2.EarlyStopping) -> asktell.EarlyStopping | None:
    """Early-stopping rules; what is unset is left to the client."""
    kind = wire.WhichOneof("rule")
    if kind is None:
        return None
    if kind == "any":
        return asktell.AnyStopping(tuple(_rule(rule, rule.WhichOneof("rule") or "") for rule in wire.any.rules))
    return _rule(wire, kind)


def _rule(wire: study_pb2.EarlyStopping, kind: str) -> asktell.StoppingRule:
    settings = {field.name: each for part in (wire, getattr(wire, kind)) for field, each in part.ListFields()}
    settings.pop(kind, None)
    if "goal" in settings:
        settings["goal"] = asktell.Goal(study_pb2.Goal.Name(settings["goal"]).removeprefix("GOAL_").lower())
    return RULES[kind](**settings)


def space(wire: search_space_pb2.SearchSpace) -> dict[str, asktell.Domain | asktell.Derived]:
    """A search space."""
    return {
        **{parameter.name: _conditional(parameter) for parameter in wire.parameters},
        **{derived.name: asktell.Derived(derived.expression) for derived in wire.derived_parameters},
    }


def _conditional(parameter: search_space_pb2.Parameter) -> asktell.Domain:
    domain = dataclasses.replace(_domain(parameter), context=parameter.context)
    if parameter.HasField("fidelity") and not isinstance(domain, asktell.Categorical | asktell.Bool):
        factor = parameter.fidelity.reduction_factor
        share = parameter.fidelity.fixed_cost_share
        fidelity = asktell.Fidelity(share, reduction_factor=factor) if factor else asktell.Fidelity(share)
        domain = dataclasses.replace(domain, fidelity=fidelity)
    condition = parameter.condition
    if not parameter.HasField("condition"):
        return domain
    return dataclasses.replace(domain, when={condition.parent: [value(each) for each in condition.values]})


def _domain(parameter: search_space_pb2.Parameter) -> asktell.Domain:
    default: Any = value(parameter.default_value) if parameter.HasField("default_value") else None
    prior: Any = _prior(parameter.prior)
    match parameter.WhichOneof("domain"):
        case "float_domain":
            real = parameter.float_domain
            return asktell.Float(
                real.min,
                real.max,
                log=real.scale == search_space_pb2.SCALE_LOG,
                reverse_log=real.scale == search_space_pb2.SCALE_REVERSE_LOG,
                step=real.step if real.HasField("step") else None,
                default=default,
                prior=prior,
            )
        case "int_domain":
            whole = parameter.int_domain
            return asktell.Int(
                whole.min,
                whole.max,
                log=whole.scale == search_space_pb2.SCALE_LOG,
                step=whole.step if whole.HasField("step") else None,
                default=default,
                prior=prior,
            )
        case "discrete_domain":
            numbers: list[Any] = [value(each) for each in parameter.discrete_domain.values]
            return asktell.Discrete(numbers, default=default, prior=prior)
        case "categorical_domain":
            return asktell.Categorical(list(parameter.categorical_domain.values), default=default, prior=prior)
        case _:
            return asktell.Bool(default=default, prior=prior)


def _prior(wire: search_space_pb2.Prior) -> asktell.Prior | None:
    match wire.WhichOneof("kind"):
        case "normal":
            return asktell.NormalPrior(wire.normal.mean, wire.normal.relative_standard_deviation)
        case "weights":
            return asktell.WeightsPrior(list(wire.weights.weights))
        case _:
            return None


def objectives(wire: Iterable[study_pb2.Objective]) -> list[asktell.Objective]:
    """Objectives."""
    goals = {study_pb2.GOAL_MINIMIZE: asktell.Goal.MINIMIZE, study_pb2.GOAL_MAXIMIZE: asktell.Goal.MAXIMIZE}
    return [
        asktell.Objective(
            each.metric,
            goals[each.goal],
            _split(each.split),
            each.reference_value if each.HasField("reference_value") else None,
        )
        for each in wire
    ]


def constraints(wire: Iterable[study_pb2.OutcomeConstraint]) -> list[asktell.OutcomeConstraint]:
    """Outcome constraints."""
    return [
        (asktell.AtMost if each.HasField("max") else asktell.AtLeast)(
            each.metric,
            each.max if each.HasField("max") else each.min,
            of_baseline=each.of_baseline,
            split=_split(each.split),
        )
        for each in wire
    ]


def _split(code: study_pb2.Split.ValueType) -> asktell.Split:
    return asktell.Split(study_pb2.Split.Name(code or study_pb2.SPLIT_VALIDATION).removeprefix("SPLIT_").lower())


def algorithm(wire: study_pb2.Algorithm) -> asktell.Algorithm | str:
    """An algorithm, by name where it has no settings."""
    kind = wire.WhichOneof("kind")
    if kind == "grid":
        default = {"default_levels": wire.grid.default_levels} if wire.grid.default_levels else {}
        return asktell.Grid(dict(wire.grid.levels), **default)
    if kind == "bayesian" and wire.bayesian.start_trials:
        return asktell.Bayesian(wire.bayesian.start_trials)
    return kind or "auto"


def imported(wire: trial_service_pb2.ImportedTrial) -> asktell.ImportedTrial:
    """A past result."""
    return asktell.ImportedTrial(
        key=wire.import_key,
        params=values(wire.parameters),
        metrics=metrics(wire.metrics),
        outcome=outcome(wire.outcome),
        reason=wire.reason,
        labels=dict(wire.labels),
        annotations=dict(wire.annotations),
    )


def observation(wire: Any) -> asktell.Observation:
    """A configuration that has been run."""
    state = trial_pb2.TrialState.Name(wire.state).removeprefix("TRIAL_STATE_") if wire.state else "SUCCEEDED"
    return asktell.Observation(values(wire.parameters), metrics(wire.metrics), asktell.Outcome(state))
