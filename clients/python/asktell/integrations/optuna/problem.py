"""What an Optuna study knows, as a problem for `Client.suggest`.

Optuna's names may hold any character, its choices may be of any kind, and its ranges may change from trial to trial. So parameters,
choices and metrics travel by number, and a trial with a value outside the present ranges is left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from asktell.records import Observation, Outcome
from asktell.spaces import Categorical, Domain, Float, Int, ParameterValue
from asktell.spec import AtMost, Maximize, Minimize, Objective, OutcomeConstraint

SUGGESTED = "asktell:suggested"
"""System attribute of a trial: its suggestion as JSON, until its parameters are set one by one. Other processes see it there."""
_FIXED = "fixed_params"
"""Optuna's own system attribute of an enqueued trial."""


class Dimensions:
    """The parameters of a search space, each by its number."""

    def __init__(self, distributions: Mapping[str, BaseDistribution]) -> None:
        """`distributions`: at least two values each."""
        self._distributions = dict(distributions)
        self._keys = {name: f"p{index}" for index, name in enumerate(self._distributions)}

    def space(self) -> dict[str, Domain]:
        """The search space. Raises ValueError: a distribution of a kind that is not known."""
        return {self._keys[name]: _domain(name, each) for name, each in self._distributions.items()}

    def encode(self, params: Mapping[str, Any]) -> dict[str, ParameterValue] | None:
        """Those of a configuration's values that are in the space; None where one is outside its range."""
        encoded: dict[str, ParameterValue] = {}
        for name, distribution in self._distributions.items():
            if name in params:
                try:
                    value = distribution.to_internal_repr(params[name])
                except ValueError:  # no such choice
                    return None
                if not distribution._contains(value):  # noqa: SLF001  # knows steps and their tolerance
                    return None
                encoded[self._keys[name]] = _encode(distribution, value)
        return encoded

    def encode_whole(self, params: Mapping[str, Any]) -> dict[str, ParameterValue] | None:
        """A configuration; None where a parameter is missing, or outside its range."""
        encoded = self.encode(params)
        return encoded if encoded is not None and len(encoded) == len(self._keys) else None

    def decode(self, params: Mapping[str, ParameterValue]) -> dict[str, Any]:
        """A suggestion in Optuna's names and values."""
        return {
            name: _decode(distribution, params[self._keys[name]]) for name, distribution in self._distributions.items()
        }


def objectives(study: Study) -> list[Objective]:
    """One for each direction of the study."""
    goals = {StudyDirection.MINIMIZE: Minimize, StudyDirection.MAXIMIZE: Maximize}
    return [goals[direction](_metric(index)) for index, direction in enumerate(study.directions)]


def constraint_names(trials: Iterable[FrozenTrial]) -> list[str]:
    """The names of all constraints that a trial has a value of, sorted."""
    return sorted({name for trial in trials for name in _constraints(trial)})


def constraints(names: list[str]) -> list[OutcomeConstraint]:
    """In Optuna a constraint is kept at 0 and below."""
    return [AtMost(_constraint(index), 0.0) for index in range(len(names))]


def observations(trials: Iterable[FrozenTrial], dimensions: Dimensions, names: list[str]) -> list[Observation]:
    """What has ended. `names`: of the constraints.

    A pruned trial counts with its last intermediate value. A trial that failed, was pruned before it had one, has an infinite value
    or lacks a constraint's has been tried in vain.
    """
    found = []
    for trial in trials:
        params = dimensions.encode_whole(trial.params)
        if params is not None:
            metrics = _metrics(trial, names)
            outcome = Outcome.STOPPED if trial.state is TrialState.PRUNED else Outcome.SUCCEEDED
            found.append(Observation(params, metrics or {}, outcome if metrics else Outcome.FAILED))
    return found


def pending(trials: Iterable[FrozenTrial], dimensions: Dimensions) -> list[dict[str, ParameterValue]]:
    """What runs: its parameters where they are set, else as suggested to it."""
    configurations = (
        dimensions.encode_whole({**_suggested(trial), **trial.system_attrs.get(_FIXED, {}), **trial.params})
        for trial in trials
    )
    return [each for each in configurations if each is not None]


def fixed(trial: FrozenTrial, dimensions: Dimensions) -> dict[str, ParameterValue]:
    """The values that an enqueued trial brings."""
    return dimensions.encode(trial.system_attrs.get(_FIXED, {})) or {}


def _suggested(trial: FrozenTrial) -> dict[str, Any]:
    params: dict[str, Any] = json.loads(trial.system_attrs.get(SUGGESTED, "{}"))
    return params


def _metrics(trial: FrozenTrial, names: list[str]) -> dict[str, float] | None:
    if trial.state is TrialState.COMPLETE:
        values = list(trial.values)
    elif trial.state is TrialState.PRUNED and trial.intermediate_values:
        values = [trial.intermediate_values[max(trial.intermediate_values)]]
    else:
        return None
    found = _constraints(trial)
    metrics = {_metric(index): value for index, value in enumerate(values)}
    metrics |= {_constraint(index): found.get(name, math.nan) for index, name in enumerate(names)}
    return metrics if all(map(math.isfinite, metrics.values())) else None


def _constraints(trial: FrozenTrial) -> dict[str, float]:
    by_name = getattr(trial, "constraints", None)
    if by_name is None:  # before Optuna 5
        by_name = {str(index): each for index, each in enumerate(trial.system_attrs.get("constraints") or ())}
    return dict(by_name)


def _metric(index: int) -> str:
    return f"v{index}"


def _constraint(index: int) -> str:
    return f"c{index}"


def _domain(name: str, distribution: BaseDistribution) -> Domain:
    match distribution:
        case FloatDistribution():
            return Float(distribution.low, distribution.high, log=distribution.log, step=distribution.step)
        case IntDistribution():
            return Int(distribution.low, distribution.high, log=distribution.log, step=distribution.step)
        case CategoricalDistribution():
            return Categorical([str(index) for index in range(len(distribution.choices))])
    raise ValueError(f"parameter {name!r}: a {type(distribution).__name__} is not supported")


def _encode(distribution: BaseDistribution, value: float) -> ParameterValue:
    match distribution:
        case FloatDistribution(step=float(step)):
            return float(distribution.low + round((value - distribution.low) / step) * step)
        case FloatDistribution():
            return value
        case CategoricalDistribution():
            return str(int(value))
    return round(value)


def _decode(distribution: BaseDistribution, value: ParameterValue) -> Any:
    return distribution.to_external_repr(int(value) if isinstance(distribution, CategoricalDistribution) else value)
