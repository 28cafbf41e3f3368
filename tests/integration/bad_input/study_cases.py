"""Bad requests of StudyService."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from asktell.v1 import search_space_pb2, study_pb2, study_service_pb2
from tests.integration.bad_input.cases import (
    BAD_STUDIES,
    PROJECT,
    Case,
    World,
    attachments,
    changed,
    names,
    put,
    request_ids,
    unknown_study,
)
from tests.support.rpc import a_study, algorithm, float_parameter, int_parameter, lease, space, value

NAN, INF = math.nan, math.inf
LOSS = study_pb2.Objective(metric="loss", goal=study_pb2.GOAL_MINIMIZE)
NO_ID = {"missing": "", "upper case": "Lora", "slash": "a/b", "too long": "x" * 64, "first a dot": ".a", "blank": " "}
BAD_TOKENS = {"garbage": "garbage!", "base64 of nothing": "AAAA", "oversize": "A" * 1_000_000}
X = "search_space.parameters[0]"
CONSTRAINTS = "search_space.parameter_constraints"
DERIVED = "search_space.derived_parameters"


def _parameter(name: str = "x", **fields: Any) -> search_space_pb2.SearchSpace:
    return space(search_space_pb2.Parameter(name=name, **fields))


def _real(low: float, high: float, **fields: Any) -> search_space_pb2.SearchSpace:
    return space(float_parameter("x", low, high, **fields))


def _whole(low: int, high: int, **fields: Any) -> search_space_pb2.SearchSpace:
    return space(int_parameter("x", low, high, **fields))


def _discrete(*numbers: Any) -> search_space_pb2.SearchSpace:
    return _parameter(discrete_domain=search_space_pb2.DiscreteDomain(values=[value(each) for each in numbers]))


def _categories(*categories: str) -> search_space_pb2.SearchSpace:
    return _parameter(categorical_domain=search_space_pb2.CategoricalDomain(values=categories))


def _derived(*expressions: str, name: str = "") -> search_space_pb2.SearchSpace:
    return search_space_pb2.SearchSpace(
        parameters=[float_parameter("x")],
        derived_parameters=[
            search_space_pb2.DerivedParameter(name=name or f"d{index}", expression=expression)
            for index, expression in enumerate(expressions)
        ],
    )


def _constrained(*constraints: str) -> search_space_pb2.SearchSpace:
    return search_space_pb2.SearchSpace(
        parameters=[float_parameter("x"), float_parameter("y")],
        parameter_constraints=constraints,
    )


def _default(raw: Any) -> search_space_pb2.SearchSpace:
    return _parameter(float_domain=search_space_pb2.FloatDomain(min=0, max=1), default_value=value(raw))


def _normal(mean: float, deviation: float) -> search_space_pb2.SearchSpace:
    normal = search_space_pb2.NormalPrior(mean=mean, relative_standard_deviation=deviation)
    return _parameter(float_domain=UNIT, prior=search_space_pb2.Prior(normal=normal))


def _weights(*weights: float, **fields: Any) -> search_space_pb2.SearchSpace:
    prior = search_space_pb2.Prior(weights=search_space_pb2.WeightsPrior(weights=weights))
    return _parameter(prior=prior, **(fields or {"bool_domain": search_space_pb2.BoolDomain()}))


def _fidelity(*, fixed_cost_share: float = 0.0, **domain: Any) -> search_space_pb2.Parameter:
    fidelity = search_space_pb2.Fidelity(fixed_cost_share=fixed_cost_share)
    return search_space_pb2.Parameter(name="x", fidelity=fidelity, **domain)


def _context(**fields: Any) -> search_space_pb2.Parameter:
    return search_space_pb2.Parameter(name="x", bool_domain=search_space_pb2.BoolDomain(), context=True, **fields)


NO_KIND = search_space_pb2.ParameterValue()
UNIT = search_space_pb2.FloatDomain(min=0, max=1)
DEVIATION = f"{X}.prior.normal.relative_standard_deviation"
WEIGHTS = f"{X}.prior.weights.weights"

BAD_SPACES: list[tuple[str, search_space_pb2.SearchSpace, str, str]] = [
    ("empty space", space(), "search_space.parameters", "INVALID_FIELD"),
    (
        "101 parameters",
        space(*(float_parameter(f"p{index}") for index in range(101))),
        "search_space.parameters",
        "INVALID_FIELD",
    ),
    ("duplicate names", space(float_parameter("x"), int_parameter("x", 1, 2)), "search_space.parameters[1].name", "INVALID_FIELD"),
    ("parameter without a name", space(float_parameter("")), f"{X}.name", "INVALID_FIELD"),
    ("parameter name beginning with a digit", space(float_parameter("1x")), f"{X}.name", "INVALID_FIELD"),
    ("parameter name with a space", space(float_parameter("a b")), f"{X}.name", "INVALID_FIELD"),
    ("parameter name not ASCII", space(float_parameter("é")), f"{X}.name", "INVALID_FIELD"),
    ("parameter name too long", space(float_parameter("x" * 129)), f"{X}.name", "INVALID_FIELD"),
    ("parameter without a domain", _parameter(), f"{X}.domain", "INVALID_FIELD"),
    ("float min NaN", _real(NAN, 1), f"{X}.float_domain.min", "NOT_FINITE"),
    ("float min -inf", _real(-INF, 1), f"{X}.float_domain.min", "NOT_FINITE"),
    ("float max inf", _real(0, INF), f"{X}.float_domain.max", "NOT_FINITE"),
    ("float min = max", _real(1, 1), f"{X}.float_domain.max", "INVALID_FIELD"),
    ("float min > max", _real(2, 1), f"{X}.float_domain.max", "INVALID_FIELD"),
    ("float range overflows", _real(-1.7e308, 1.7e308), f"{X}.float_domain.max", "INVALID_FIELD"),
    ("float without a range", _parameter(float_domain=search_space_pb2.FloatDomain()), f"{X}.float_domain.max", "INVALID_FIELD"),
    ("log with min 0", _real(0, 1, scale=search_space_pb2.SCALE_LOG), f"{X}.float_domain.min", "INVALID_FIELD"),
    ("log with min < 0", _real(-1, 1, scale=search_space_pb2.SCALE_LOG), f"{X}.float_domain.min", "INVALID_FIELD"),
    ("reverse log with min 0", _real(0, 1, scale=search_space_pb2.SCALE_REVERSE_LOG), f"{X}.float_domain.min", "INVALID_FIELD"),
    ("float scale unknown", _real(0, 1, scale=17), f"{X}.float_domain.scale", "INVALID_FIELD"),
    ("float step 0", _real(0, 1, step=0), f"{X}.float_domain.step", "INVALID_FIELD"),
    ("float step negative", _real(0, 1, step=-0.1), f"{X}.float_domain.step", "INVALID_FIELD"),
    ("float step above the range", _real(0, 1, step=2), f"{X}.float_domain.step", "INVALID_FIELD"),
    ("float step NaN", _real(0, 1, step=NAN), f"{X}.float_domain.step", "NOT_FINITE"),
    ("float step inf", _real(0, 1, step=INF), f"{X}.float_domain.step", "NOT_FINITE"),
    ("float step too fine", _real(0, 1, step=1e-300), f"{X}.float_domain.step", "INVALID_FIELD"),
    ("int min = max", _whole(1, 1), f"{X}.int_domain.max", "INVALID_FIELD"),
    ("int min > max", _whole(2, 1), f"{X}.int_domain.max", "INVALID_FIELD"),
    ("int above 2^53", _whole(0, 2**53 + 1), f"{X}.int_domain.max", "INVALID_FIELD"),
    ("int below -2^53", _whole(-(2**63), 0), f"{X}.int_domain.min", "INVALID_FIELD"),
    ("int log with min 0", _whole(0, 8, scale=search_space_pb2.SCALE_LOG), f"{X}.int_domain.min", "INVALID_FIELD"),
    ("int reverse log", _whole(1, 8, scale=search_space_pb2.SCALE_REVERSE_LOG), f"{X}.int_domain.scale", "INVALID_FIELD"),
    ("int scale unknown", _whole(1, 8, scale=-1), f"{X}.int_domain.scale", "INVALID_FIELD"),
    ("int step 0", _whole(1, 8, step=0), f"{X}.int_domain.step", "INVALID_FIELD"),
    ("int step negative", _whole(1, 8, step=-2), f"{X}.int_domain.step", "INVALID_FIELD"),
    ("int step above the range", _whole(1, 8, step=8), f"{X}.int_domain.step", "INVALID_FIELD"),
    ("discrete empty", _discrete(), f"{X}.discrete_domain.values", "INVALID_FIELD"),
    ("discrete of one", _discrete(1), f"{X}.discrete_domain.values", "INVALID_FIELD"),
    ("discrete of 1,001", _discrete(*range(1001)), f"{X}.discrete_domain.values", "INVALID_FIELD"),
    ("discrete of mixed kinds", _discrete(1, 2.0), f"{X}.discrete_domain.values", "INVALID_FIELD"),
    ("discrete of strings", _discrete("1", "2"), f"{X}.discrete_domain.values[0]", "INVALID_FIELD"),
    ("discrete of bools", _discrete(False, True), f"{X}.discrete_domain.values[0]", "INVALID_FIELD"),
    ("discrete falling", _discrete(2, 1), f"{X}.discrete_domain.values[1]", "INVALID_FIELD"),
    ("discrete repeated", _discrete(1, 1), f"{X}.discrete_domain.values[1]", "INVALID_FIELD"),
    ("discrete NaN", _discrete(0.0, NAN), f"{X}.discrete_domain.values[1]", "NOT_FINITE"),
    ("discrete inf", _discrete(0.0, INF), f"{X}.discrete_domain.values[1]", "NOT_FINITE"),
    (
        "discrete without a kind",
        _parameter(discrete_domain=search_space_pb2.DiscreteDomain(values=[value(1), NO_KIND])),
        f"{X}.discrete_domain.values[1]",
        "INVALID_FIELD",
    ),
    ("categorical empty", _categories(), f"{X}.categorical_domain.values", "INVALID_FIELD"),
    ("categorical of one", _categories("a"), f"{X}.categorical_domain.values", "INVALID_FIELD"),
    ("categorical of 1,001", _categories(*map(str, range(1001))), f"{X}.categorical_domain.values", "INVALID_FIELD"),
    ("categorical repeated", _categories("a", "a"), f"{X}.categorical_domain.values[1]", "INVALID_FIELD"),
    ("categorical empty string", _categories("a", ""), f"{X}.categorical_domain.values[1]", "INVALID_FIELD"),
    ("categorical too long", _categories("a", "b" * 257), f"{X}.categorical_domain.values[1]", "INVALID_FIELD"),
    ("default of another kind", _default("0.5"), f"{X}.default_value", "VALUE_OUTSIDE_SPACE"),
    ("default outside", _default(2.0), f"{X}.default_value", "VALUE_OUTSIDE_SPACE"),
    ("default NaN", _default(NAN), f"{X}.default_value", "VALUE_OUTSIDE_SPACE"),
    (
        "default without a kind",
        _parameter(float_domain=search_space_pb2.FloatDomain(min=0, max=1), default_value=NO_KIND),
        f"{X}.default_value",
        "INVALID_FIELD",
    ),
    ("context alone", space(_context()), "search_space.parameters", "INVALID_FIELD"),
    (
        "context with a default",
        space(_context(default_value=value(True)), float_parameter("y")),
        f"{X}.default_value",
        "INVALID_FIELD",
    ),
    ("fidelity without a number", space(_fidelity(bool_domain=search_space_pb2.BoolDomain()), float_parameter("y")), f"{X}.fidelity", "INVALID_FIELD"),
    ("fidelity of 0", space(_fidelity(int_domain=search_space_pb2.IntDomain(min=0, max=9)), float_parameter("y")), f"{X}.fidelity", "INVALID_FIELD"),
    ("fidelity alone", space(_fidelity(int_domain=search_space_pb2.IntDomain(min=1, max=9))), "search_space.parameters", "INVALID_FIELD"),
    (
        "fidelity whose cost is all fixed",
        space(_fidelity(fixed_cost_share=1.0, int_domain=search_space_pb2.IntDomain(min=1, max=9)), float_parameter("y")),
        f"{X}.fidelity.fixed_cost_share",
        "INVALID_FIELD",
    ),
    ("constraint of nothing", _constrained("x <= y", ""), f"{CONSTRAINTS}[1]", "INVALID_FIELD"),
    ("constraint is no bound", _constrained("x + y"), f"{CONSTRAINTS}[0]", "INVALID_FIELD"),
    ("constraint is an equality", _constrained("x == y"), f"{CONSTRAINTS}[0]", "INVALID_FIELD"),
    ("constraint is not linear", _constrained("x*y <= 1"), f"{CONSTRAINTS}[0]", "INVALID_FIELD"),
    ("constraint on an unknown name", _constrained("z <= 1"), f"{CONSTRAINTS}[0]", "INVALID_FIELD"),
    ("constraint is code", _constrained("__import__('os') <= 1"), f"{CONSTRAINTS}[0]", "INVALID_FIELD"),
    ("constraint is too long", _constrained("x+" * 1000 + "x <= 1"), f"{CONSTRAINTS}[0]", "INVALID_FIELD"),
    ("constraint with 1e999", _constrained("1e999*x <= 1"), f"{CONSTRAINTS}[0]", "INVALID_FIELD"),
    ("constraint that overflows", _constrained("1e300*1e300*x <= 1"), f"{CONSTRAINTS}[0]", "INVALID_FIELD"),
    ("constraint that nothing keeps", _constrained("x + y >= 9"), f"{CONSTRAINTS}[0]", "INVALID_FIELD"),
    ("constraints that contradict", _constrained("x <= y - 0.6", "y <= 0.5"), CONSTRAINTS, "INVALID_FIELD"),
    ("33 constraints", _constrained(*["x <= y"] * 33), CONSTRAINTS, "INVALID_FIELD"),
    ("derived of nothing", _derived(""), f"{DERIVED}[0].expression", "INVALID_FIELD"),
    ("derived of an unknown name", _derived("y + 1"), f"{DERIVED}[0].expression", "INVALID_FIELD"),
    ("derived that is code", _derived("__import__('os')"), f"{DERIVED}[0].expression", "INVALID_FIELD"),
    ("derived that takes for ever", _derived("9**9**9**9"), f"{DERIVED}[0].expression", "INVALID_FIELD"),
    ("derived nested deeply", _derived("(" * 1000), f"{DERIVED}[0].expression", "INVALID_FIELD"),
    ("derived too long", _derived("1+" * 1000 + "1"), f"{DERIVED}[0].expression", "INVALID_FIELD"),
    ("derived divides by zero", _derived("x", "1 / x"), f"{DERIVED}[1].expression", "INVALID_FIELD"),
    ("derived in a circle", _derived("d1", "d0"), f"{DERIVED}[0].expression", "INVALID_FIELD"),
    ("derived named as a parameter", _derived("1", name="x"), f"{DERIVED}[0].name", "INVALID_FIELD"),
    ("derived without a name", _derived("1", name=" "), f"{DERIVED}[0].name", "INVALID_FIELD"),
    ("33 derived", _derived(*["1"] * 33), DERIVED, "INVALID_FIELD"),
    ("prior without a kind", _parameter(float_domain=UNIT, prior=search_space_pb2.Prior()), f"{X}.prior", "INVALID_FIELD"),
    ("prior outside", _normal(2, 0.1), f"{X}.prior.normal.mean", "VALUE_OUTSIDE_SPACE"),
    ("prior around NaN", _normal(NAN, 0.1), f"{X}.prior.normal.mean", "NOT_FINITE"),
    ("prior without width", _normal(0.5, 0), DEVIATION, "INVALID_FIELD"),
    ("prior too wide", _normal(0.5, 1.5), DEVIATION, "INVALID_FIELD"),
    ("prior as wide as NaN", _normal(0.5, NAN), DEVIATION, "NOT_FINITE"),
    ("too few weights", _weights(1), WEIGHTS, "INVALID_FIELD"),
    ("a million weights", _weights(*[1.0] * 1_000_000), WEIGHTS, "INVALID_FIELD"),
    ("weights of zero", _weights(0, 0), WEIGHTS, "INVALID_FIELD"),
    ("negative weight", _weights(1, -1), f"{WEIGHTS}[1]", "INVALID_FIELD"),
    ("weight of infinity", _weights(1, INF), f"{WEIGHTS}[1]", "NOT_FINITE"),
    ("weights on a float", _weights(1, 1, float_domain=UNIT), f"{X}.prior.weights", "INVALID_FIELD"),
]  # fmt: skip

SIZE = study_pb2.Objective(metric="size", goal=study_pb2.GOAL_MINIMIZE)
_MAX_MS = study_pb2.OutcomeConstraint(metric="ms", max=50.0)
BAD_GOALS: list[tuple[str, dict[str, Any], str, str]] = [
    *(
        (f"cost metric: {what}", {"cost_metric": name}, "cost_metric", "INVALID_FIELD")
        for what, name in {"digit first": "1s", "blank": " ", "too long": "x" * 129, "not ASCII": "é"}.items()
    ),
    ("the same objective twice", {"objectives": [LOSS, LOSS]}, "objectives[1].metric", "INVALID_FIELD"),
    (
        "seven objectives",
        {"objectives": [study_pb2.Objective(metric=f"m{i}", goal=study_pb2.GOAL_MINIMIZE) for i in range(7)]},
        "objectives",
        "INVALID_FIELD",
    ),
    (
        "reference of one objective",
        {"objectives": [study_pb2.Objective(metric="loss", goal=study_pb2.GOAL_MINIMIZE, reference_value=1.0)]},
        "objectives[0].reference_value",
        "INVALID_FIELD",
    ),
    (
        "reference is NaN",
        {
            "objectives": [
                LOSS,
                study_pb2.Objective(metric="size", goal=study_pb2.GOAL_MINIMIZE, reference_value=math.nan),
            ]
        },
        "objectives[1].reference_value",
        "NOT_FINITE",
    ),
    (
        "constraint without a bound",
        {"outcome_constraints": [study_pb2.OutcomeConstraint(metric="ms")]},
        "outcome_constraints[0]",
        "INVALID_FIELD",
    ),
    (
        "constraint without a metric",
        {"outcome_constraints": [study_pb2.OutcomeConstraint(max=1.0)]},
        "outcome_constraints[0].metric",
        "INVALID_FIELD",
    ),
    (
        "bound is infinite",
        {"outcome_constraints": [study_pb2.OutcomeConstraint(metric="ms", min=math.inf)]},
        "outcome_constraints[0].min",
        "NOT_FINITE",
    ),
    (
        "constraint on test data",
        {"outcome_constraints": [study_pb2.OutcomeConstraint(metric="ms", max=1.0, split=study_pb2.SPLIT_TEST)]},
        "outcome_constraints[0].split",
        "TEST_SPLIT_OBJECTIVE",
    ),
    ("the same bound twice", {"outcome_constraints": [_MAX_MS, _MAX_MS]}, "outcome_constraints[1]", "INVALID_FIELD"),
    (
        "bounds that leave nothing",
        {"outcome_constraints": [_MAX_MS, study_pb2.OutcomeConstraint(metric="ms", min=51.0)]},
        "outcome_constraints[1]",
        "INVALID_FIELD",
    ),
    (
        "17 constraints",
        {"outcome_constraints": [study_pb2.OutcomeConstraint(metric=f"m{i}", max=1.0) for i in range(17)]},
        "outcome_constraints",
        "INVALID_FIELD",
    ),
]
BAD_TARGETS: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "a constraint that contradicts the target",
        {
            "outcome_constraints": [study_pb2.OutcomeConstraint(metric="loss", min=0.5)],
            "stopping_rules": study_pb2.StoppingRules(target_value=0.3),
        },
        "outcome_constraints[0]",
        "INVALID_FIELD",
    ),
    (
        "a hypervolume without references",
        {"objectives": [LOSS, SIZE], "stopping_rules": study_pb2.StoppingRules(target_value=0.3)},
        "stopping_rules.target_value",
        "INVALID_FIELD",
    ),
    (
        "a target of something else",
        {"objectives": [LOSS, SIZE], "stopping_rules": study_pb2.StoppingRules(target_values={"los": 0.3})},
        "stopping_rules.target_values[los]",
        "INVALID_FIELD",
    ),
    (
        "two kinds of target",
        {"stopping_rules": study_pb2.StoppingRules(target_value=0.3, target_values={"loss": 0.3})},
        "stopping_rules.target_values",
        "INVALID_FIELD",
    ),
    ("a baseline for nothing", {"baseline_trial": 3}, "baseline_trial", "INVALID_FIELD"),
    (
        "a metric tracked and constrained",
        {"outcome_constraints": [_MAX_MS], "tracked_metrics": [study_pb2.TrackedMetric(metric="ms")]},
        "tracked_metrics[0].metric",
        "INVALID_FIELD",
    ),
]
BAD_OBJECTIVES: list[tuple[str, list[study_pb2.Objective], str, str]] = [
    ("no objective", [], "objectives", "INVALID_FIELD"),
    ("objective without a name", [study_pb2.Objective(goal=study_pb2.GOAL_MINIMIZE)], "objectives[0].metric", "INVALID_FIELD"),
    ("objective name with a space", [study_pb2.Objective(metric="val loss", goal=study_pb2.GOAL_MINIMIZE)], "objectives[0].metric", "INVALID_FIELD"),
    ("objective without a goal", [study_pb2.Objective(metric="loss")], "objectives[0].goal", "INVALID_FIELD"),
    ("goal unknown", [study_pb2.Objective(metric="loss", goal=3)], "objectives[0].goal", "INVALID_FIELD"),  # type: ignore[arg-type]
    ("split unknown", [study_pb2.Objective(metric="loss", goal=study_pb2.GOAL_MINIMIZE, split=4)], "objectives[0].split", "INVALID_FIELD"),  # type: ignore[arg-type]
    ("objective on test data", [study_pb2.Objective(metric="loss", goal=study_pb2.GOAL_MINIMIZE, split=study_pb2.SPLIT_TEST)], "objectives[0].split", "TEST_SPLIT_OBJECTIVE"),
]  # fmt: skip

BAD_ALGORITHMS: list[tuple[str, study_pb2.Algorithm, str, str]] = [
    ("grid level of an unknown parameter", algorithm("grid", levels={"nope": 3}), "algorithm.grid.levels[nope]", "INVALID_FIELD"),
    ("grid of one level", algorithm("grid", default_levels=1), "algorithm.grid.default_levels", "INVALID_FIELD"),
    ("grid levels negative", algorithm("grid", levels={"x": -3}), "algorithm.grid.levels[x]", "INVALID_FIELD"),
    ("grid levels above 1,000", algorithm("grid", default_levels=1001), "algorithm.grid.default_levels", "INVALID_FIELD"),
    ("start trials negative", algorithm("bayesian", start_trials=-1), "algorithm.bayesian.start_trials", "INVALID_FIELD"),
    ("start trials above 1,000", algorithm("bayesian", start_trials=1001), "algorithm.bayesian.start_trials", "INVALID_FIELD"),
]  # fmt: skip


def _rules(**fields: Any) -> dict[str, Any]:
    return {"stopping_rules": study_pb2.StoppingRules(**fields)}


def _tracked(*metrics: str, **fields: Any) -> dict[str, Any]:
    return {"tracked_metrics": [study_pb2.TrackedMetric(metric=metric, **fields) for metric in metrics]}


def _any(*rules: study_pb2.EarlyStopping) -> study_pb2.EarlyStopping:
    return study_pb2.EarlyStopping(any=study_pb2.AnyStopping(rules=rules))


def _median(**fields: Any) -> study_pb2.EarlyStopping:
    return study_pb2.EarlyStopping(median=study_pb2.MedianStopping(), **fields)


BAD_SETTINGS: list[tuple[str, dict[str, Any], str, str]] = [
    ("display name too long", {"display_name": "x" * 257}, "display_name", "INVALID_FIELD"),
    ("note too long", {"note": "ü" * 8193}, "note", "INVALID_FIELD"),
    ("tracked metric without a name", _tracked(""), "tracked_metrics[0].metric", "INVALID_FIELD"),
    ("tracked metric of the objective's name", _tracked("loss"), "tracked_metrics[0].metric", "INVALID_FIELD"),
    ("tracked metric twice", _tracked("a", "a"), "tracked_metrics[1].metric", "INVALID_FIELD"),
    ("tracked split unknown", _tracked("a", split=9), "tracked_metrics[0].split", "INVALID_FIELD"),
    ("101 tracked metrics", _tracked(*(f"m{index}" for index in range(101))), "tracked_metrics", "INVALID_FIELD"),
    ("max_trials 0", _rules(max_trials=0), "stopping_rules.max_trials", "INVALID_FIELD"),
    ("max_trials negative", _rules(max_trials=-1), "stopping_rules.max_trials", "INVALID_FIELD"),
    ("patience 0", _rules(patience_trials=0), "stopping_rules.patience_trials", "INVALID_FIELD"),
    ("target NaN", _rules(target_value=NAN), "stopping_rules.target_value", "NOT_FINITE"),
    ("target inf", _rules(target_value=INF), "stopping_rules.target_value", "NOT_FINITE"),
    ("min_expected_gain 0", _rules(min_expected_gain=0), "stopping_rules.min_expected_gain", "INVALID_FIELD"),
    ("min_expected_gain NaN", _rules(min_expected_gain=NAN), "stopping_rules.min_expected_gain", "NOT_FINITE"),
    ("deadline out of range", _rules(deadline=Timestamp(seconds=10**13)), "stopping_rules.deadline", "INVALID_FIELD"),
    ("deadline malformed", _rules(deadline=Timestamp(nanos=-5)), "stopping_rules.deadline", "INVALID_FIELD"),
    ("lease too short", {"lease_policy": study_pb2.LeasePolicy(lease_duration=Duration(nanos=1))}, "lease_policy.lease_duration", "INVALID_FIELD"),
    ("lease negative", {"lease_policy": lease(-5)}, "lease_policy.lease_duration", "INVALID_FIELD"),
    ("lease too long", {"lease_policy": lease(7 * 86_400 + 1)}, "lease_policy.lease_duration", "INVALID_FIELD"),
    ("lease malformed", {"lease_policy": study_pb2.LeasePolicy(lease_duration=Duration(seconds=1, nanos=-1))}, "lease_policy.lease_duration", "INVALID_FIELD"),
    ("max_attempts negative", {"lease_policy": lease(60, max_attempts=-1)}, "lease_policy.max_attempts", "INVALID_FIELD"),
    ("max_attempts above 100", {"lease_policy": lease(60, max_attempts=101)}, "lease_policy.max_attempts", "INVALID_FIELD"),
    ("max_running_trials negative", {"max_running_trials": -1}, "max_running_trials", "INVALID_FIELD"),
    ("early stopping without a rule", {"early_stopping": study_pb2.EarlyStopping(metric="loss")}, "early_stopping", "INVALID_FIELD"),
    ("early stopping of no rules", {"early_stopping": study_pb2.EarlyStopping(any=study_pb2.AnyStopping())}, "early_stopping.any.rules", "INVALID_FIELD"),
    ("early stopping in itself", {"early_stopping": _any(study_pb2.EarlyStopping(any=study_pb2.AnyStopping()))}, "early_stopping.any.rules[0]", "INVALID_FIELD"),
    ("early stopping by an unknown metric", {"early_stopping": _median(metric="nope")}, "early_stopping.metric", "UNKNOWN_METRIC"),
    ("early stopping with an unknown goal", {"early_stopping": _median(goal=9)}, "early_stopping.goal", "INVALID_FIELD"),
    ("early stopping, settings beside any", {"early_stopping": study_pb2.EarlyStopping(any=_any(_median()).any, metric="loss")}, "early_stopping.metric", "INVALID_FIELD"),
    ("early stopping, trials negative", {"early_stopping": _any(_median(), study_pb2.EarlyStopping(median=study_pb2.MedianStopping(min_trials=-1)))}, "early_stopping.any.rules[1].median.min_trials", "INVALID_FIELD"),
    ("early stopping, no interval of rungs", {"early_stopping": study_pb2.EarlyStopping(interval_steps=2, hyperband=study_pb2.HyperbandStopping(min_steps=1, max_steps=9))}, "early_stopping.interval_steps", "INVALID_FIELD"),
    ("early stopping, threshold NaN", {"early_stopping": study_pb2.EarlyStopping(threshold=study_pb2.ThresholdStopping(max=NAN))}, "early_stopping.threshold.max", "INVALID_FIELD"),
    ("early stopping, certain to go on", {"early_stopping": study_pb2.EarlyStopping(auto=study_pb2.AutoStopping(probability=1))}, "early_stopping.auto.probability", "INVALID_FIELD"),
    ("early stopping, no first rung", {"early_stopping": study_pb2.EarlyStopping(successive_halving=study_pb2.SuccessiveHalvingStopping())}, "early_stopping.successive_halving.min_steps", "INVALID_FIELD"),
    ("replicates negative", {"replicates": -1}, "replicates", "INVALID_FIELD"),
    ("replicates too many", {"replicates": 1001}, "replicates", "INVALID_FIELD"),
    ("max_staleness negative", {"max_staleness": -1}, "max_staleness", "INVALID_FIELD"),
    ("max_staleness too large", {"max_staleness": 1001}, "max_staleness", "INVALID_FIELD"),
    ("parents too many", {"parents": [f"s{index}" for index in range(9)]}, "parents", "INVALID_FIELD"),
    ("parents twice", {"parents": ["a", "studies/a"]}, "parents[1]", "INVALID_FIELD"),
    ("parents misnamed", {"parents": ["a", "A b"]}, "parents[1]", "INVALID_FIELD"),
    ("parents of another project", {"parents": ["projects/elsewhere/studies/a"]}, "parents[0]", "INVALID_FIELD"),
    ("parents that do not exist", {"parents": ["no-such-study"]}, "parents[0]", "INVALID_FIELD"),
    ("seed negative", {"seed": -1}, "seed", "INVALID_FIELD"),
    ("seed above 2^53", {"seed": 2**53}, "seed", "INVALID_FIELD"),
]  # fmt: skip


def _create(world: World) -> study_service_pb2.CreateStudyRequest:
    return study_service_pb2.CreateStudyRequest(parent=PROJECT, study_id="new", study=a_study())


def _create_study() -> Iterator[Case]:
    method = "StudyService.CreateStudy"

    def case(what: str, fields: dict[str, Any], field: str, reason: str, code: str = "INVALID_ARGUMENT") -> Case:
        def request(world: World) -> study_service_pb2.CreateStudyRequest:
            return study_service_pb2.CreateStudyRequest(parent=PROJECT, study_id="new", study=a_study(**fields))

        return Case(method=method, what=what, request=request, field=f"study.{field}", reason=reason, code=code)

    for what, bad_space, field, reason in BAD_SPACES:
        yield case(what, {"search_space": bad_space}, field, reason)
    for what, objectives, field, reason in BAD_OBJECTIVES:
        yield case(what, {"objectives": objectives}, field, reason)
    for what, bad_algorithm, field, reason in BAD_ALGORITHMS:
        yield case(what, {"algorithm": bad_algorithm}, field, reason)
    for what, fields, field, reason in BAD_SETTINGS:
        yield case(what, fields, field, reason)
    million = {
        "search_space": space(*(float_parameter(f"p{index}") for index in range(9))),
        "algorithm": algorithm("grid", default_levels=5),
    }
    yield case("grid above a million", million, "algorithm.grid", "GRID_TOO_LARGE")
    for what, fields, field, reason in [*BAD_GOALS, *BAD_TARGETS]:
        yield case(what, fields, field, reason)
    yield Case(
        method=method,
        what="no study at all",
        request=changed(_create, lambda request: request.ClearField("study")),
        field="study.search_space.parameters",
    )
    for what, study_id in NO_ID.items():
        yield Case(
            method=method, what=f"id {what}", request=changed(_create, put("study_id", study_id)), field="study_id"
        )
    for what, parent in {
        "bad": "projects/-",
        "without its prefix": "default",
        "a study": "projects/a/studies/b",
    }.items():
        yield Case(
            method=method, what=f"parent {what}", request=changed(_create, put("parent", parent)), field="parent"
        )
    yield Case(
        method=method,
        what="a study of that name",
        request=lambda world: study_service_pb2.CreateStudyRequest(
            study_id=world.study.name.rpartition("/")[2], study=a_study()
        ),
        field=None,
        reason="STUDY_EXISTS",
        code="ALREADY_EXISTS",
    )
    yield from attachments(method, _create, lambda request: request.study, "study")
    yield from request_ids(method, _create)


def _get_study() -> Iterator[Case]:
    def base(world: World) -> study_service_pb2.GetStudyRequest:
        return study_service_pb2.GetStudyRequest(name=world.study.name)

    yield from names("StudyService.GetStudy", base, "name", BAD_STUDIES)
    yield unknown_study("StudyService.GetStudy", base, "name")


def _list_studies() -> Iterator[Case]:
    method = "StudyService.ListStudies"

    def base(world: World) -> study_service_pb2.ListStudiesRequest:
        return study_service_pb2.ListStudiesRequest(parent=PROJECT)

    for what, parent in {"bad": "projects/A", "a study": "projects/a/studies/b", "no prefix": "default"}.items():
        yield Case(method=method, what=f"parent {what}", request=changed(base, put("parent", parent)), field="parent")
    yield Case(method=method, what="page_size negative", request=changed(base, put("page_size", -1)), field="page_size")
    for what, token in BAD_TOKENS.items():
        yield Case(
            method=method,
            what=f"page_token {what}",
            request=changed(base, put("page_token", token)),
            field="page_token",
            reason="INVALID_TOKEN",
        )

    def foreign(world: World) -> study_service_pb2.ListStudiesRequest:
        everywhere = study_service_pb2.ListStudiesRequest(page_size=1)
        token = world.study.rpc.studies.ListStudies(everywhere).next_page_token
        return study_service_pb2.ListStudiesRequest(parent=PROJECT, page_token=token)

    yield Case(
        method=method, what="page_token of another list", request=foreign, field="page_token", reason="INVALID_TOKEN"
    )


def _update_study() -> Iterator[Case]:
    method = "StudyService.UpdateStudy"

    def of(*paths: str, **fields: Any) -> Callable[[World], study_service_pb2.UpdateStudyRequest]:
        def request(world: World) -> study_service_pb2.UpdateStudyRequest:
            study = study_pb2.Study(name=world.study.name, **{"display_name": "new", **fields})
            request = study_service_pb2.UpdateStudyRequest(study=study)
            request.update_mask.paths.extend(paths)
            return request

        return request

    base = of("display_name")

    yield from names(method, base, "study.name", BAD_STUDIES)
    yield unknown_study(method, base, "study.name")
    yield from request_ids(method, base)
    yield Case(
        method=method,
        what="no mask",
        request=changed(base, lambda request: request.ClearField("update_mask")),
        field="update_mask",
    )
    bad_paths = ["*", "", "nope", "name", "search_space", "objectives", "seed", "etag", "lease_policy", "trial_counts",
                 "state.nope", "labels.", "stopping_rules.", "stopping_rules.nope", "Display_Name", "x" * 10_000]  # fmt: skip
    for path in bad_paths:
        yield Case(
            method=method,
            what=f"mask {path[:24]!r}",
            request=of("display_name", path),
            field="update_mask.paths[1]",
        )
    updatable = ("display_name", "note", "stopping_rules", "max_running_trials", "early_stopping")
    for what, fields, field, reason in BAD_SETTINGS:
        path = field.partition(".")[0]
        if path in updatable:
            yield Case(
                method=method,
                what=what,
                request=of(path, **fields),
                field=f"study.{field}",
                reason=reason,
            )
    for state in (0, 4, -1):
        yield Case(
            method=method,
            what=f"state {state}",
            request=of("state", state=state),
            field="study.state",
        )
    yield from attachments(method, of("labels", "annotations"), lambda request: request.study, "study")
    yield Case(
        method=method,
        what="etag of another version",
        request=of("display_name", etag="old"),
        field=None,
        reason="ETAG_MISMATCH",
        code="ABORTED",
    )


def _reopen_study() -> Iterator[Case]:
    method = "StudyService.ReopenStudy"

    def of(**fields: Any) -> Callable[[World], study_service_pb2.ReopenStudyRequest]:
        return lambda world: study_service_pb2.ReopenStudyRequest(name=world.study.name, **fields)

    base = of(decay=0.5)

    yield from names(method, base, "name", BAD_STUDIES)
    yield unknown_study(method, base, "name")
    yield from request_ids(method, base)
    yield Case(
        method=method,
        what="etag of another version",
        request=of(decay=0.5, etag="old"),
        field=None,
        reason="ETAG_MISMATCH",
        code="ABORTED",
    )
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("nothing chosen", {}, "decay"),
        ("decay of 0", {"decay": 0.0}, "decay"),
        ("decay above 1", {"decay": 1.5}, "decay"),
        ("decay NaN", {"decay": NAN}, "decay"),
        ("remeasure negative", {"remeasure": -1}, "remeasure"),
        ("remeasure too many", {"remeasure": 101}, "remeasure"),
        ("keep and decay", {"keep": True, "decay": 0.5}, "keep"),
        ("no more trials", {"keep": True, "more_trials": 0}, "more_trials"),
    ]
    for what, fields, field in wrong:
        yield Case(method=method, what=what, request=of(**fields), field=field)


def _delete_study() -> Iterator[Case]:
    method = "StudyService.DeleteStudy"

    def base(world: World) -> study_service_pb2.DeleteStudyRequest:
        return study_service_pb2.DeleteStudyRequest(name=world.study.name, etag=world.study.get().etag)

    yield from names(method, base, "name", BAD_STUDIES)
    yield unknown_study(method, base, "name")
    yield from request_ids(method, base)
    yield Case(
        method=method,
        what="etag of another version",
        request=changed(base, put("etag", "old")),
        field=None,
        reason="ETAG_MISMATCH",
        code="ABORTED",
    )


CASES = [*_create_study(), *_get_study(), *_list_studies(), *_update_study(), *_reopen_study(), *_delete_study()]
