"""What Optuna's suite does not look at: what the model learns from, what runs beside it, and a server at the other end."""

from __future__ import annotations

import asyncio
import itertools
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

import asktell
from asktell.integrations.optuna import AsktellSampler, problem
from asktell.integrations.optuna.problem import Dimensions
from asktell.records import Outcome
from tests.support.server import ServerProcess

X = FloatDistribution(0.0, 1.0)


def bowl(trial: Trial) -> float:
    return (trial.suggest_float("x", 0, 1) - 0.3) ** 2 + (trial.suggest_float("learning rate / 1", 0, 1) - 0.8) ** 2


def test_it_finds_an_optimum() -> None:
    study = optuna.create_study(sampler=AsktellSampler(seed=1))
    study.optimize(bowl, n_trials=20)
    assert study.best_value < 1e-3


def test_a_seed_repeats_the_suggestions() -> None:
    def run() -> list[dict[str, Any]]:
        study = optuna.create_study(sampler=AsktellSampler(seed=7))
        study.optimize(bowl, n_trials=8)
        return [trial.params for trial in study.trials]

    assert run() == run()


def test_a_server_without_a_store_suggests_the_same(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, stateless=True) as server:
        studies = [optuna.create_study(sampler=AsktellSampler(address, seed=3)) for address in (server.address, None)]
        for study in studies:
            study.optimize(bowl, n_trials=8)
    there, here = ([trial.params for trial in study.trials] for study in studies)
    assert there == here


def test_trials_that_run_at_once_differ() -> None:
    study = optuna.create_study(sampler=AsktellSampler(seed=1))
    study.optimize(bowl, n_trials=6)
    together = threading.Barrier(4)

    def objective(_: int) -> float:
        trial = study.ask()
        together.wait(
            60
        )  # nobody has set a parameter yet, so that all that is known of the others is what was suggested to them
        value = trial.suggest_float("x", 0, 1)
        trial.suggest_float("learning rate / 1", 0, 1)
        return value

    with ThreadPoolExecutor(4) as threads:
        values = sorted(threads.map(objective, range(4)))
    assert min(after - before for before, after in itertools.pairwise(values)) > 0


def test_what_is_enqueued_is_kept_and_the_rest_is_chosen_beside_it() -> None:
    study = optuna.create_study(sampler=AsktellSampler(seed=1))
    study.optimize(bowl, n_trials=15)
    study.enqueue_trial({"x": 0.35})
    study.optimize(bowl, n_trials=1)
    assert study.trials[-1].params["x"] == 0.35
    assert study.trials[-1].params["learning rate / 1"] == pytest.approx(0.8, abs=0.1)


def test_constraints_are_kept() -> None:
    def objective(trial: Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        trial.set_user_attr("over", x - 0.5)
        return -x

    def over(trial: FrozenTrial) -> tuple[float]:
        return (trial.user_attrs["over"],)

    study = optuna.create_study(sampler=AsktellSampler(seed=1, constraints_func=over))
    study.optimize(objective, n_trials=15)
    kept = [trial.params["x"] for trial in study.trials if trial.params["x"] <= 0.5]
    assert max(kept) > 0.45


def test_several_objectives_fill_the_front() -> None:
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=AsktellSampler(seed=1))

    def objective(trial: Trial) -> tuple[float, float]:
        x, waste = trial.suggest_float("x", 0, 1), trial.suggest_float("waste", 0, 1)
        return x + waste, x**0.5 - waste

    study.optimize(objective, n_trials=20)
    front = sorted(trial.values[0] for trial in study.best_trials)
    assert len(front) >= 8
    assert front[0] < 0.1
    assert front[-1] > 0.9  # from one end to the other


def test_a_space_that_has_been_tried_whole_goes_on() -> None:
    study = optuna.create_study(sampler=AsktellSampler(seed=1))
    study.optimize(lambda trial: trial.suggest_int("n", 1, 3), n_trials=8)
    assert {trial.params["n"] for trial in study.trials} == {1, 2, 3}


def test_it_works_where_a_loop_runs() -> None:
    async def notebook() -> Study:
        study = optuna.create_study(sampler=AsktellSampler(seed=1))
        study.optimize(bowl, n_trials=3)
        return study

    assert len(asyncio.run(notebook()).trials) == 3


def test_it_travels_to_other_processes() -> None:
    study = optuna.create_study(sampler=pickle.loads(pickle.dumps(AsktellSampler(seed=1))))
    study.optimize(bowl, n_trials=3)
    assert len(study.trials) == 3


def test_more_objectives_than_there_may_be_are_refused_by_name() -> None:
    study = optuna.create_study(directions=["minimize"] * 7, sampler=AsktellSampler())
    study.add_trial(create_trial(params={"x": 0.1}, distributions={"x": X}, values=[0.0] * 7))
    with pytest.raises(asktell.InvalidArgument, match="6"):
        study.ask({"x": X})


def test_an_address_and_a_client_are_too_much() -> None:
    with pytest.raises(ValueError, match="either"):
        AsktellSampler("localhost:1", client=asktell.Client("localhost:1"))


def test_a_client_without_a_server_only_suggests() -> None:
    from asktell._sync.in_process import InProcessClient  # what the sampler makes

    with InProcessClient() as client, pytest.raises(asktell.NotSupported, match="has no server"):
        client.study("lora")


# ------------------------------------------------------------------------------------------------- what trials teach


def ended(
    state: TrialState, x: float, value: float | None = None, steps: dict[int, float] | None = None
) -> FrozenTrial:
    return create_trial(
        state=state, params={"x": x}, distributions={"x": X}, value=value, intermediate_values=steps or {}
    )


@pytest.mark.parametrize(
    ("trial", "outcome", "metrics"),
    [
        (ended(TrialState.COMPLETE, 0.5, 2.0), Outcome.SUCCEEDED, {"v0": 2.0}),
        (ended(TrialState.COMPLETE, 0.5, float("inf")), Outcome.FAILED, {}),
        (ended(TrialState.PRUNED, 0.5, steps={1: 3.0, 4: 2.5}), Outcome.STOPPED, {"v0": 2.5}),
        (ended(TrialState.PRUNED, 0.5), Outcome.FAILED, {}),
        (ended(TrialState.PRUNED, 0.5, steps={1: float("nan")}), Outcome.FAILED, {}),
        (ended(TrialState.FAIL, 0.5), Outcome.FAILED, {}),
    ],
    ids=["a value", "an infinite one", "pruned", "pruned at once", "pruned for NaN", "failed"],
)
def test_how_trials_count(trial: FrozenTrial, outcome: Outcome, metrics: dict[str, float]) -> None:
    [found] = problem.observations([trial], Dimensions({"x": X}), [])
    assert (found.outcome, dict(found.metrics)) == (outcome, metrics)


def test_trials_outside_the_present_ranges_are_left_out() -> None:
    trials = [ended(TrialState.COMPLETE, x, 1.0) for x in (0.2, 0.8)]
    found = problem.observations(trials, Dimensions({"x": FloatDistribution(0.5, 1.5)}), [])
    assert [each.params for each in found] == [{"p0": 0.8}]
    assert not problem.observations(trials, Dimensions({"x": X, "new": X}), [])


def test_values_travel_by_number_and_come_back_in_kind() -> None:
    dimensions = Dimensions(
        {
            "a b": CategoricalDistribution([None, 1, "1", True]),
            "n": IntDistribution(2, 10, step=2),
            "f": FloatDistribution(0.1, 0.7, step=0.2),
        }
    )
    encoded = dimensions.encode_whole({"a b": "1", "n": 4, "f": 0.1 + 0.2 + 0.2})
    assert encoded == {"p0": "2", "p1": 4, "p2": pytest.approx(0.5)}
    decoded = dimensions.decode({"p0": "2", "p1": 4, "p2": 0.5})
    assert decoded == {"a b": "1", "n": 4, "f": 0.5}
    assert [type(value) for value in decoded.values()] == [str, int, float]
