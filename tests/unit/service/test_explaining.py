"""Explanations: what the engine knew is found in the log, and it suggests the same again."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from asktell_server.domain.algorithm import Bayesian, Grid, Random, Sobol
from asktell_server.domain.errors import NotFound
from asktell_server.domain.metrics import Metric, OutcomeConstraint
from asktell_server.domain.names import StudyName
from asktell_server.domain.space import CategoricalDomain, FloatDomain, NormalPrior, Parameter, SearchSpace
from asktell_server.domain.study import StoppingRules
from asktell_server.domain.trial import UNNAMED_METRIC, Belief, Origin, Prediction, Result, Trial, TrialState
from asktell_server.engine.problem import Problem
from asktell_server.engine.task import A, Task
from asktell_server.engine.tasks.suggest import SuggestTask
from asktell_server.engine.workers.pool import WorkerPool
from asktell_server.explanation import as_json, as_text
from asktell_server.service.explaining import Explanation
from asktell_server.service.intake import NewTrial
from asktell_server.service.provenance import with_provenance
from asktell_server.store.memory import MemoryLedger
from asktell_server.store.protocol import Commit, StudyDelta, TrialWrite
from tests.support.builders import NAME, a_study, a_trial, failure
from tests.unit.service.conftest import HandClock, Services

MIXED = SearchSpace(
    parameters=(
        Parameter(name="lr", domain=FloatDomain(min=0.0, max=1.0)),
        Parameter(name="kind", domain=CategoricalDomain(values=("a", "b", "c"))),
    )
)


Hook = Callable[[], Awaitable[object]]


class Here(WorkerPool):
    """The engine in this process; `meanwhile` happens once, before it answers."""

    def __init__(self) -> None:
        super().__init__(workers=1)
        self.meanwhile: Hook | None = None

    async def answer(self, task: Task[A]) -> A:
        """See Engine."""
        if (hook := self.meanwhile) is not None:
            self.meanwhile = None
            await hook()
        return task.run()

    async def spare(self) -> None:
        """Never: nothing is prepared here."""
        await asyncio.get_running_loop().create_future()

    async def answer_if_idle(self, task: Task[A]) -> A | None:
        """See SpareEngine."""
        return await self.answer(task)


class SlowLedger(MemoryLedger):
    """A store whose answer to a read is on its way while `meanwhile` happens, once."""

    meanwhile: Hook | None = None

    async def read_delta(self, name: StudyName, **what: Any) -> StudyDelta:
        """See Ledger."""
        delta = await super().read_delta(name, **what)
        if (hook := self.meanwhile) is not None:
            self.meanwhile = None
            await hook()
        return delta


@pytest.fixture
def engine() -> Here:
    """The engine of `services`, models included."""
    return Here()


@pytest.fixture
def services(clock: HandClock, engine: Here) -> Services:
    """One server on an empty store."""
    return Services(MemoryLedger(clock), clock, engine)


async def _explain(services: Services, trial: Trial, *, repeat: bool = True) -> Explanation:
    return await services.use_cases.explaining.explain(NAME.trial(trial.number), repeat=repeat)


async def _run(services: Services, count: int) -> list[Trial]:
    """Trials one after the other, with a loss that depends on `lr`; every fifth fails."""
    told = []
    for index in range(count):
        (trial,) = await services.ask()
        if index % 5 == 4:
            record, _ = await services.trials.tell(
                NAME.trial(trial.number), failure(), lease_id=trial.lease_id, request=None
            )
            told.append(record.trial)
        else:
            told.append(await services.tell(trial, (float(trial.parameters["lr"]) - 0.3) ** 2))
    return told


async def test_an_ask_for_improvement_per_cost_is_made_again_as_one(services: Services) -> None:
    goals = dataclasses.replace(a_study().goals, cost_metric="seconds")
    await services.create(algorithm=Bayesian(start_trials=3), goals=goals, stopping=StoppingRules(max_trials=12))
    trials = []
    for _ in range(7):
        (record,) = await services.asking.ask(NAME, count=1, worker_id="w", request=None, cost_aware=True)
        lr = float(record.trial.parameters["lr"])
        metrics = {"loss": Metric(value=(lr - 0.3) ** 2), "seconds": Metric(value=10 ** (2 * lr))}
        result = Result(state=TrialState.SUCCEEDED, metrics=metrics)
        name = NAME.trial(record.trial.number)
        record, _ = await services.trials.tell(name, result, lease_id=record.trial.lease_id, request=None)
        trials.append(record.trial)
    explanation = await _explain(services, trials[6])
    again = explanation.repetition
    assert again is not None
    assert not list(again.differences(trials[6]))
    assert "less 0.5 times the log of the expected seconds" in as_text(explanation)


async def test_a_suggestion_of_the_model_is_explained_and_made_again(services: Services) -> None:
    await services.create(algorithm=Bayesian(start_trials=3), space=MIXED)
    trials = await _run(services, 9)
    # What has happened since changes nothing.
    await services.trials.amend(
        NAME.trial(1),
        Result(state=TrialState.SUCCEEDED, metrics={"loss": Metric(value=99.0)}),
        reason="r",
        request=None,
    )
    await services.trials.delete(NAME.trial(2), request=None)
    explanation = await _explain(services, trials[7])
    known, again = explanation.knowledge, explanation.repetition
    assert known is not None
    assert again is not None
    assert (known.exact, known.values, known.failures, known.pending, known.missed) == (True, 6, 1, 0, 0)
    best = min((trial for trial in trials[:7] if trial.metrics), key=lambda trial: trial.metrics["loss"].value)
    assert known.best.trials[0].number == best.number
    assert known.noise.keys() == {"loss"}
    assert again.repeats(trials[7])
    assert not list(again.differences(trials[7]))
    text = as_text(explanation)
    for part in ("the model: ", "6 results, 1 failure, 0 in flight", "log EI", "length scales", "to the last bit"):
        assert part in text


async def test_the_chance_to_keep_a_constraint_is_not_called_expected_improvement(services: Services) -> None:
    at_most = OutcomeConstraint(metric="loss", max=0.5)
    goals = dataclasses.replace(a_study().goals, outcome_constraints=(at_most,))
    await services.create(algorithm=Bayesian(start_trials=3), goals=goals)
    trials = await _run(services, 4)
    text = as_text(await _explain(services, trials[3]))
    assert "log EI" not in text
    assert "(of standardised metrics, logarithmic)" in text


async def test_expected_improvement_that_priors_weigh_is_not_called_so(services: Services) -> None:
    prior = NormalPrior(mean=0.5, relative_standard_deviation=0.3)
    space = SearchSpace(parameters=(Parameter(name="lr", domain=FloatDomain(min=0.0, max=1.0), prior=prior),))
    await services.create(space=space, algorithm=Bayesian(start_trials=3))
    trials = await _run(services, 4)
    explanation = await _explain(services, trials[3])
    text = as_text(explanation)
    assert "log EI" not in text
    assert "what priors count for is added" in text
    assert explanation.repetition is not None
    assert explanation.repetition.repeats(trials[3])


async def test_a_batch_knows_its_pending_trials_and_every_place_in_it_is_made_again(services: Services) -> None:
    await services.create(algorithm=Bayesian(start_trials=3))
    await _run(services, 4)
    (running,) = await services.ask()
    batch = await services.ask(3)
    await services.tell(running, 0.5)
    for trial in batch:
        explanation = await _explain(services, trial)
        assert explanation.knowledge is not None
        assert explanation.knowledge.pending == 1
        assert explanation.repetition is not None
        assert explanation.repetition.repeats(trial)


async def test_a_result_that_came_while_the_model_computed_is_told_apart(services: Services, engine: Here) -> None:
    await services.create(algorithm=Bayesian(start_trials=3))
    await _run(services, 4)
    (running,) = await services.ask()
    engine.meanwhile = lambda: services.tell(running, 0.5)
    (trial,) = await services.ask()
    explanation = await _explain(services, trial)
    assert explanation.knowledge is not None
    assert (explanation.knowledge.exact, explanation.knowledge.missed) == (True, 1)
    assert explanation.repetition is not None
    assert explanation.repetition.repeats(trial)
    assert "1 result came between" in as_text(explanation)


async def test_what_a_server_knew_beyond_its_reading_is_found(clock: HandClock) -> None:
    ledger = SlowLedger(clock)
    services = Services(ledger, clock, Here())
    await services.create(algorithm=Bayesian(start_trials=3))
    await _run(services, 4)
    (running,) = await services.ask()
    # The result reaches the server's view at once; the log that it reads is from before.
    ledger.meanwhile = lambda: services.tell(running, 0.5)
    (trial,) = await services.ask()
    explanation = await _explain(services, trial)
    assert explanation.knowledge is not None
    assert trial.provenance is not None
    assert explanation.knowledge.exact
    assert explanation.knowledge.sequence == trial.provenance.sequence + 1
    assert (explanation.knowledge.pending, explanation.knowledge.missed) == (0, 0)
    assert explanation.repetition is not None
    assert explanation.repetition.repeats(trial)


async def test_what_was_prepared_and_pending_is_remembered(services: Services, engine: Here) -> None:
    await services.create(algorithm=Bayesian(start_trials=3))
    await _run(services, 4)
    await services.ask()
    view, _ = await services.views.refresh(NAME)
    prepared = {"lr": 0.3, "layers": 2, "bias": True}
    task = SuggestTask(
        problem=Problem(space=view.study.space, goals=view.study.goals, algorithm=view.study.algorithm),
        history=view.history(),
        pending=[*view.pending(), prepared],
        seed=view.study.seed,
    )
    (suggestion,) = with_provenance(
        task, await engine.answer(task), sequence=view.sequence, prepared_pending=1, prepared=True
    )
    trial = a_trial(
        parameters=suggestion.parameters,
        origin=suggestion.origin,
        prediction=suggestion.prediction,
        provenance=suggestion.provenance,
        number=0,
        revision=0,
    )
    await services.ask()  # it becomes a trial later than another one
    committed = await services.ledger.commit(NAME, Commit(writes=[TrialWrite(trial=trial)]))
    stored = committed.records[0].trial
    explanation = await _explain(services, stored)
    assert explanation.knowledge is not None
    assert (explanation.knowledge.exact, explanation.knowledge.pending) == (True, 2)
    assert explanation.repetition is not None
    assert explanation.repetition.repeats(stored)
    text = as_text(explanation)
    assert "2 in flight, 1 of them prepared" in text
    assert "later: it was prepared before" in text


@pytest.mark.parametrize("algorithm", [Random(), Sobol(), Grid(default_levels=3)], ids=lambda one: one.kind)
async def test_what_took_no_model_is_made_again_too(services: Services, algorithm: Random | Sobol | Grid) -> None:
    await services.create(algorithm=algorithm)
    await _run(services, 4)
    (trial, other) = await services.ask(2)
    for one in (trial, other):
        explanation = await _explain(services, one)
        assert explanation.repetition is not None
        assert explanation.repetition.repeats(one)
        assert not explanation.deviations
        assert "uses no model" in as_text(explanation)


async def test_a_trial_of_an_earlier_version_says_what_it_does_not_know(services: Services) -> None:
    await services.create()
    prediction = Prediction(beliefs={UNNAMED_METRIC: Belief(mean=1.0, standard_deviation=0.5)}, acquisition_value=-2.0)
    told = dataclasses.replace(
        a_trial(origin=Origin.MODEL, prediction=prediction, number=0, revision=0),
        state=TrialState.SUCCEEDED,
        metrics={"loss": Metric(value=2.0)},
    )
    committed = await services.ledger.commit(NAME, Commit(writes=[TrialWrite(trial=told)]))
    explanation = await _explain(services, committed.records[0].trial)
    assert (explanation.knowledge, explanation.repetition, explanation.deviations) == (None, None, {"loss": 2.0})
    text = as_text(explanation)
    assert "not recorded" in text
    assert "2 standard deviations above the mean" in text
    assert "reproduced" not in text


async def test_a_persons_trial_has_nothing_to_explain(services: Services) -> None:
    await services.create()
    await services.intake.enqueue(NAME, [NewTrial(parameters={"lr": 0.5, "bias": True})], request=None)
    (trial,) = await services.ask()
    text = as_text(await _explain(services, trial))
    assert "a person enqueued it" in text
    assert "not recorded" not in text


async def test_what_was_suggested_otherwise_shows_the_difference(services: Services) -> None:
    await services.create(algorithm=Bayesian(start_trials=3))
    trials = await _run(services, 6)
    explanation = await _explain(services, trials[5])
    changed = dataclasses.replace(trials[5], parameters={**trials[5].parameters, "layers": 8, "lr": 0.123})
    explanation = dataclasses.replace(explanation, trial=changed)
    text = as_text(explanation)
    assert "reproduced      no" in text
    assert "lr: 0.123 then," in text
    assert as_json(explanation)["repetition"]["reproduced"] is False


async def test_json_says_the_same(services: Services) -> None:
    await services.create(algorithm=Bayesian(start_trials=3), space=MIXED)
    trials = await _run(services, 6)
    said = json.loads(json.dumps(as_json(await _explain(services, trials[5]))))
    assert said["name"] == str(NAME.trial(trials[5].number))
    assert said["origin"] == "MODEL"
    assert set(said["model"]["length_scales"]) == {"lr", "kind"}
    assert set(said["model"]["kernel_weights"]) == {"numbers", "categories", "both"}
    assert said["knowledge"]["results"] == 4
    assert said["repetition"] == {"reproduced": True, "differences": [], "fallback_reason": ""}
    assert as_json(await _explain(services, trials[5], repeat=False))["repetition"] is None


async def test_no_such_trial(services: Services) -> None:
    await services.create()
    with pytest.raises(NotFound):
        await services.use_cases.explaining.explain(NAME.trial(5), repeat=False)
