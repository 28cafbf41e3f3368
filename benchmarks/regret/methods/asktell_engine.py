"""asktell's engine called in this process: what a server would suggest, without the server. For choosing settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from asktell import Bool, Categorical, Discrete, Domain, Float, Int, NormalPrior, Prior
from asktell_server.domain import space as spaces
from asktell_server.domain.algorithm import Algorithm, Auto
from asktell_server.domain.metrics import Metric
from asktell_server.engine.history import History
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.engine.problem import Problem, Suggestion
from asktell_server.engine.tasks.suggest import SuggestTask
from benchmarks.regret.case import Instance, Space
from benchmarks.regret.methods.method import Method, Opener, OwnProcess, Proposal
from benchmarks.regret.score import Metrics


class EngineRun(OwnProcess):
    """The history of one run; every ask is a call of the engine."""

    def __init__(self, instance: Instance, seed: int, algorithm: Algorithm | None = None) -> None:
        self.goals = instance.goals
        problem = Problem(space=search_space(instance.space), goals=self.goals, algorithm=algorithm or Auto())
        self._task = SuggestTask(problem=problem, history=problem.empty_history(), seed=seed)
        self._pending: list[Proposal] = []

    @property
    def history(self) -> History:
        """What has been tried so far."""
        return self._task.history

    def ask(self) -> Proposal:
        """The engine's suggestion, with the open ones pending."""
        return self.propose()[0]

    def propose(self) -> tuple[Proposal, Suggestion]:
        """The same, with all that the engine said."""
        result = self._next_task().run()
        if result.fallback_reason:
            raise RuntimeError(f"the model failed: {result.fallback_reason}")
        self._task = replace(self._task, warm_start=result.warm_start or self._task.warm_start)
        suggestion = result.suggestions[0]
        proposal = Proposal(configuration=suggestion.parameters)
        self._pending.append(proposal)
        return proposal, suggestion

    def drop(self, proposal: Proposal) -> None:
        """Forgets a proposal that nobody has begun."""
        self._pending = [each for each in self._pending if each is not proposal]

    def tell(self, proposal: Proposal, metrics: Metrics) -> None:
        """Makes an observation of a proposal."""
        self.drop(proposal)
        self._task.history.append(
            Observation(
                parameters=proposal.configuration,
                outcome=Outcome.VALUE,
                metrics=tuple(Metric(value=metrics[name]) for name in self.goals.metrics),
            )
        )

    def _next_task(self) -> SuggestTask:
        """The task of the next suggestion."""
        return replace(self._task, pending=tuple(proposal.configuration for proposal in self._pending))


def search_space(space: Space) -> spaces.SearchSpace:
    """A client's space as the server's."""
    return spaces.SearchSpace(
        parameters=tuple(
            spaces.Parameter(
                name=name, domain=_domain(domain), prior=_prior(domain.prior), condition=_condition(domain)
            )
            for name, domain in space.items()
        )
    )


def _condition(domain: Domain) -> spaces.Condition | None:
    for parent, values in (domain.when or {}).items():
        return spaces.Condition(parent=parent, values=tuple(values))
    return None


def _domain(domain: Domain) -> spaces.Domain:
    match domain:
        case Float():
            return spaces.FloatDomain(min=domain.min, max=domain.max, scale=_scale(domain.log), step=domain.step)
        case Int():
            return spaces.IntDomain(min=domain.min, max=domain.max, scale=_scale(domain.log), step=domain.step or 1)
        case Discrete():
            return spaces.DiscreteDomain(values=tuple(domain.values))
        case Categorical():
            return spaces.CategoricalDomain(values=tuple(domain.values))
        case Bool():
            return spaces.BoolDomain()


def _prior(prior: Prior | None) -> spaces.Prior | None:
    if prior is None:
        return None
    if isinstance(prior, NormalPrior):
        return spaces.NormalPrior(mean=prior.mean, relative_standard_deviation=prior.relative_standard_deviation)
    return spaces.WeightsPrior(weights=tuple(prior.weights))


def _scale(log: bool) -> spaces.Scale:  # a conversion
    return spaces.Scale.LOG if log else spaces.Scale.LINEAR


@contextmanager
def _open() -> Iterator[Opener]:
    yield EngineRun


ENGINE = Method(
    name="asktell-engine",
    title="asktell (in process)",
    open=_open,
    packages=("asktell-server", "torch", "botorch"),
    module="asktell_server",
    ours=True,
)
