"""The competitors: each asks and tells on every kind of parameter, and hears of conditions where it can."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from asktell import Bool, Categorical, Discrete, Float, Int
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Objective, OutcomeConstraint
from asktell_server.domain.space import SearchSpace
from benchmarks.regret import in_flight
from benchmarks.regret.case import LOSS, ONE_LOSS, Case, Configuration, Instance, Space
from benchmarks.regret.cases.conditional import CONDITIONAL
from benchmarks.regret.drawing import draw
from benchmarks.regret.methods import METHODS
from benchmarks.regret.methods.asktell_engine import search_space
from benchmarks.regret.methods.ax_client import optimization
from benchmarks.regret.methods.method import OwnProcess, Proposal
from benchmarks.regret.runs import Job, run
from benchmarks.regret.score import Metrics

SPACE: Space = {
    "rate": Float(1e-4, 1e-1, log=True),
    "share": Float(0.0, 1.0),
    "units": Int(1, 100, log=True),
    "layers": Int(0, 3),
    "batch": Discrete([8, 16, 64]),
    "kind": Categorical(["a", "b", "c"]),
    "flag": Bool(),
}
PEERS = ["random", "optuna-tpe", "optuna-gp", "optuna-cma", "ax", "asktell-engine"]

pytestmark = pytest.mark.filterwarnings("ignore")  # the peers' own


def objective(configuration: Configuration) -> float:
    return float(configuration["share"]) + float(configuration["layers"])


FLAT = Case(
    name="flat", make=lambda _seed: Instance.of_loss(space=SPACE, objective=objective, optimum=0.0, minimiser=None)
)


def needs(method: str) -> None:
    for package in METHODS[method].packages:
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pytest.skip(f"{method} needs {package} (the extra `bench`)")


def accepted(space: SearchSpace, configuration: Configuration) -> bool:
    return dict(space.normalize(configuration, field="x")) == dict(configuration)


@pytest.mark.parametrize("method", PEERS)
def test_proposals_lie_in_the_space(method: str) -> None:
    needs(method)
    space = search_space(SPACE)
    with METHODS[method].open() as opener:
        optimizer = opener(FLAT.make(0), 1)
        for _ in range(4):
            proposal = optimizer.ask()
            assert accepted(space, proposal.configuration)
            optimizer.tell(proposal, {LOSS: objective(proposal.configuration)})


@pytest.mark.parametrize("method", PEERS)
def test_several_proposals_may_be_open(method: str) -> None:
    needs(method)
    with METHODS[method].open() as opener:
        optimizer = opener(FLAT.make(0), 1)
        first, second = optimizer.ask(), optimizer.ask()
        optimizer.tell(second, {LOSS: 1.0})
        optimizer.tell(first, {LOSS: 2.0})


@pytest.mark.parametrize("method", ["optuna-tpe", "ax", "asktell-engine"])
def test_a_method_with_conditions_is_given_them(method: str) -> None:
    needs(method)
    with METHODS[method].open() as opener:
        optimizer = opener(CONDITIONAL.make(0), 2)
        seen = [optimizer.ask().configuration for _ in range(4)]
    for configuration in seen:
        assert ("c" in configuration) == (configuration["model"] == "svm")
        assert ("momentum" in configuration) == (configuration.get("optimizer") == "sgd")


def test_draws_of_a_log_scale_favour_no_end() -> None:
    generator = np.random.default_rng(0)
    draws = [draw(SPACE, generator) for _ in range(2000)]
    assert np.mean([float(each["rate"]) < 10**-2.5 for each in draws]) == pytest.approx(0.5, abs=0.05)
    assert {int(each["layers"]) for each in draws} == {0, 1, 2, 3}


def test_a_run_is_the_same_again() -> None:
    job = Job(case=FLAT, method=METHODS["random"], seed=3, trials=5)
    with METHODS["random"].open() as opener:
        first, second = (run(job, opener) for _ in range(2))
    assert list(first.values) == list(second.values)
    assert first.duplicates == 0
    assert len(first.cpu_s) == 5


def test_a_run_counts_the_trials_that_are_near_to_earlier_ones() -> None:
    given: list[Configuration] = [
        {"x": 0.5, "kind": "a"},
        {"x": 0.5019, "kind": "a"},  # within 0.2 %
        {"x": 0.5, "kind": "b"},  # another category
        {"x": 0.5041, "kind": "a"},
        {"x": 0.5, "kind": "a"},
    ]
    space: Space = {"x": Float(0.0, 1.0), "kind": Categorical(["a", "b"])}
    case = Case(
        name="near",
        make=lambda _seed: Instance.of_loss(
            space=space, objective=lambda one: float(one["x"]), optimum=0.0, minimiser=None
        ),
    )
    left = iter(given)
    row = run(Job(case=case, method=METHODS["random"], seed=0, trials=5), lambda _instance, _seed: Replaying(left))
    assert (row.near, row.duplicates) == (2, 1)


class Replaying(OwnProcess):
    """Proposes what it was given."""

    def __init__(self, configurations: Iterator[Configuration]) -> None:
        self._left = configurations

    def ask(self) -> Proposal:
        return Proposal(configuration=next(self._left))

    def tell(self, proposal: Proposal, metrics: Metrics) -> None:
        pass


class Counting:
    """Random search that keeps how many proposals are open."""

    def __init__(self) -> None:
        self._generator = np.random.default_rng(0)
        self.open = 0
        self.most = 0

    def ask(self) -> Proposal:
        self.open += 1
        self.most = max(self.most, self.open)
        return Proposal(configuration=draw(SPACE, self._generator))

    def tell(self, proposal: Proposal, metrics: Metrics) -> None:
        self.open -= 1

    def cpu_s(self) -> float:
        return 0.0


def test_so_many_trials_are_in_flight() -> None:
    counting = Counting()
    job = Job(case=FLAT, method=METHODS["random"], seed=0, trials=20, part=in_flight.part(8))
    row = in_flight.run(8, job, lambda _instance, _seed: counting)
    assert (counting.most, counting.open) == (8, 0)
    assert len(row.values) == 20
    assert row.part == "in-flight-8"


LIMIT = 0.3


def fast_and_small(configuration: Configuration) -> dict[str, float]:
    x, y = float(configuration["x"]), float(configuration["y"])
    return {"time": x**2 + y, "room": (1.0 - x) ** 2 + y, "heat": x + y}


BOTH = Goals(
    objectives=tuple(Objective(metric=name, goal=Goal.MINIMIZE, reference=2.0) for name in ("time", "room")),
)
COOL = Goals(
    objectives=(Objective(metric="room", goal=Goal.MINIMIZE),),
    outcome_constraints=(OutcomeConstraint(metric="heat", max=LIMIT),),
)


def of(goals: Goals) -> Instance:
    space: Space = {"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)}
    return Instance(space=space, evaluate=fast_and_small, goals=goals, optimum=None, minimisers=None, worst=2.0)


def told(method: str, instance: Instance, trials: int) -> Any:
    """A run that was told the metrics of its goals, and of these alone."""
    needs(method)
    with METHODS[method].open() as opener:
        optimizer = opener(instance, 1)
        for _ in range(trials):
            proposal = optimizer.ask()
            metrics = instance.evaluate(proposal.configuration)
            optimizer.tell(proposal, {name: metrics[name] for name in instance.goals.metrics})
    return optimizer


@pytest.mark.parametrize("goals", [BOTH, COOL], ids=["objectives", "constraint"])
@pytest.mark.parametrize("method", ["random", "ax", "asktell-engine"])
def test_a_method_searches_for_other_goals_with_its_model(method: str, goals: Goals) -> None:
    told(method, of(goals), 8)


@pytest.mark.parametrize("method", ["optuna-tpe", "optuna-gp", "optuna-nsga-ii"])
def test_optuna_is_given_objectives_and_constraints(method: str) -> None:
    assert len(told(method, of(BOTH), 12)._study.directions) == 2
    for trial in told(method, of(COOL), 12)._study.trials:
        heat = trial.params["x"] + trial.params["y"]
        assert list(trial.constraints.values()) == pytest.approx([heat - LIMIT])


def test_ax_hears_of_goals_in_its_words() -> None:
    goals = Goals(
        objectives=(
            Objective(metric="error", goal=Goal.MINIMIZE, reference=0.5),
            Objective(metric="speed", goal=Goal.MAXIMIZE),
        ),
        outcome_constraints=(OutcomeConstraint(metric="ms", max=50.0), OutcomeConstraint(metric="recall", min=0.9)),
    )
    assert optimization(goals) == {
        "objective": "-error, speed",
        "outcome_constraints": ["ms <= 50.0", "recall >= 0.9", "error <= 0.5"],
    }
    assert optimization(ONE_LOSS) == {"objective": "-loss", "outcome_constraints": None}
