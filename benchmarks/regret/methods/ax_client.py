"""Ax's Client with its defaults. Conditions are given as dependent parameters."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from asktell import Bool, Categorical, Discrete, Domain, Float, Int, ParameterValue
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal
from benchmarks.regret.case import Instance, Space
from benchmarks.regret.methods.method import Method, Opener, OwnProcess, Proposal
from benchmarks.regret.score import Metrics

if TYPE_CHECKING:
    from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

    AxParameter: TypeAlias = RangeParameterConfig | ChoiceParameterConfig


class AxRun(OwnProcess):
    """An experiment in memory."""

    def __init__(self, instance: Instance, seed: int) -> None:
        from ax.api.client import Client  # optional

        self._space = instance.space
        self._client = Client(random_seed=seed)
        self._client.configure_experiment(parameters=parameters(instance.space))
        self._client.configure_optimization(**optimization(instance.goals))

    def ask(self) -> Proposal:
        """One trial."""
        trials = self._client.get_next_trials(max_trials=1)
        if not trials:
            raise RuntimeError("Ax had no trial to suggest")
        (index, given), *_ = trials.items()
        values: dict[str, ParameterValue] = {}
        for name, value in given.items():
            domain = self._space[name]
            values[name] = domain.values[int(value)] if isinstance(domain, Discrete) else value
        return Proposal(configuration=values, handle=index)

    def tell(self, proposal: Proposal, metrics: Metrics) -> None:
        """The trial's metrics; their standard errors are unknown."""
        self._client.complete_trial(proposal.handle, raw_data=dict(metrics))


def optimization(goals: Goals) -> dict[str, Any]:
    """The goals in Ax's words: what is minimised has a minus. A bound on an objective is its reference."""
    objectives = [f"{'-' if each.goal is Goal.MINIMIZE else ''}{each.metric}" for each in goals.objectives]
    bounds = [(each.metric, each.goal, each.bound) for each in goals.outcome_constraints]
    bounds += [(each.metric, each.goal, each.reference) for each in goals.objectives if each.reference is not None]
    constraints = [f"{metric} {'<=' if goal is Goal.MINIMIZE else '>='} {bound}" for metric, goal, bound in bounds]
    return {"objective": ", ".join(objectives), "outcome_constraints": constraints or None}


def parameters(space: Space) -> Sequence[AxParameter]:
    """The space in Ax's words."""
    return [_parameter(name, domain, _dependents(name, domain, space)) for name, domain in space.items()]


def _dependents(name: str, domain: Domain, space: Space) -> dict[Any, list[str]] | None:
    """What exists with one value alone. Ax knows trees: what exists with several values, it has to take for always there."""
    if not isinstance(domain, Categorical | Discrete):
        return None
    children = {
        rank if isinstance(domain, Discrete) else value: [
            child for child, each in space.items() if tuple((each.when or {}).get(name, ())) == (value,)
        ]
        for rank, value in enumerate(domain.values)
    }
    return {value: names for value, names in children.items() if names} or None


def _parameter(name: str, domain: Domain, dependents: dict[Any, list[str]] | None) -> AxParameter:
    from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

    match domain:
        case Float() | Int():
            return RangeParameterConfig(
                name=name,
                bounds=(domain.min, domain.max),
                parameter_type="int" if isinstance(domain, Int) else "float",
                scaling="log" if domain.log else None,
            )
        case Discrete():  # by rank, as for every peer
            return ChoiceParameterConfig(
                name=name,
                values=list(range(len(domain.values))),
                parameter_type="int",
                is_ordered=True,
                dependent_parameters=dependents,
            )
        case Categorical():
            return ChoiceParameterConfig(
                name=name,
                values=list(domain.values),
                parameter_type="str",
                is_ordered=False,
                dependent_parameters=dependents,
            )
        case Bool():
            return ChoiceParameterConfig(name=name, values=[False, True], parameter_type="bool")


@contextmanager
def _open() -> Iterator[Opener]:
    import ax.api.client  # noqa: F401  # takes seconds, which no ask should be charged with
    from ax.utils.common.logger import set_stderr_log_level

    set_stderr_log_level(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield AxRun


AX = Method(name="ax", title="Ax", open=_open, packages=("ax-platform", "botorch", "gpytorch", "torch"), module="ax")
