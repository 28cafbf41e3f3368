"""Optuna's samplers with their defaults, asked and told. Conditions are given by define-by-run, constraints as it wants: ≤ 0."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from asktell import Bool, Categorical, Discrete, Domain, Float, Int, ParameterValue
from benchmarks.regret.case import Instance
from benchmarks.regret.methods.method import Method, Opener, OwnProcess, Proposal
from benchmarks.regret.score import Metrics

if TYPE_CHECKING:
    import optuna

MakeSampler = Callable[[int], "optuna.samplers.BaseSampler"]


class OptunaRun(OwnProcess):
    """A study in memory."""

    def __init__(self, make_sampler: MakeSampler, instance: Instance, seed: int) -> None:
        import optuna  # optional

        self._study = optuna.create_study(
            sampler=make_sampler(seed),
            directions=[objective.goal.value for objective in instance.goals.objectives],
        )
        self._instance = instance

    def ask(self) -> Proposal:
        """Asks for a trial and for its parameters, those only whose conditions hold."""
        trial = self._study.ask()
        values: dict[str, ParameterValue] = {}
        for name, domain in self._instance.space.items():
            if all(values.get(parent) in allowed for parent, allowed in (domain.when or {}).items()):
                values[name] = _suggest(trial, name, domain)
        return Proposal(configuration=values, handle=trial)

    def tell(self, proposal: Proposal, metrics: Metrics) -> None:
        """The trial's objectives, and by how much it is beyond each bound."""
        goals = self._instance.goals
        for place, each in enumerate(goals.outcome_constraints):
            excess = each.goal.cost(metrics[each.metric]) - each.goal.cost(each.bound)
            proposal.handle.set_constraint(f"{place} {each.metric}", excess)
        self._study.tell(proposal.handle, [metrics[objective.metric] for objective in goals.objectives])


def _suggest(trial: optuna.Trial, name: str, domain: Domain) -> ParameterValue:
    """Ordered lists are integers of the rank: their distances mean nothing."""
    match domain:
        case Float():
            return trial.suggest_float(name, domain.min, domain.max, log=domain.log)
        case Int():
            return trial.suggest_int(name, domain.min, domain.max, log=domain.log)
        case Discrete():
            return domain.values[trial.suggest_int(name, 0, len(domain.values) - 1)]
        case Categorical():
            return str(trial.suggest_categorical(name, list(domain.values)))
        case Bool():
            return bool(trial.suggest_categorical(name, [False, True]))


@contextmanager
def _open(sampler: str) -> Iterator[Opener]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield partial(OptunaRun, partial(_make, getattr(optuna.samplers, sampler)))


def _make(family: Any, seed: int) -> optuna.samplers.BaseSampler:
    made: optuna.samplers.BaseSampler = family(seed=seed)
    return made


def _method(name: str, title: str, sampler: str, *packages: str) -> Method:
    return Method(name=name, title=title, open=partial(_open, sampler), packages=("optuna", *packages), module="optuna")


TPE = _method("optuna-tpe", "Optuna TPE", "TPESampler")
GP = _method("optuna-gp", "Optuna GP", "GPSampler", "torch", "scipy")
NSGA_II = _method("optuna-nsga-ii", "Optuna NSGA-II", "NSGAIISampler")
CMA = _method("optuna-cma", "Optuna CMA-ES", "CmaEsSampler", "cmaes")
