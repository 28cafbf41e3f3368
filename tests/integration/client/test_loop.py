"""Everything a client can do, with a real server, for both clients."""

from __future__ import annotations

import asyncio
import gc
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import asktell
from tests.integration.client.conftest import SPACE, do

PATIENCE_S = 60.0
"""For what happens at once, on a machine that has other things to do."""

pytestmark = pytest.mark.xdist_group("client")  # one server for all of them


async def test_the_loop(client: Any) -> None:
    study = await do(
        client.create_study("loop", space=SPACE, objectives=[asktell.Minimize("loss")], metrics=["acc"], max_trials=8)
    )
    assert (study.id, study.state, list(study.space)) == ("loop", "ACTIVE", list(SPACE))
    losses = {}
    for _ in range(8):
        trial = await do(study.ask())
        loss = (math.log10(trial.params["lr"]) + 3) ** 2 + trial.params["layers"]
        assert await do(trial.report(step=1, loss=loss + 1)) is False
        await do(trial.tell(loss=loss, acc=0.5))
        losses[trial.number] = loss
    with pytest.raises(asktell.StudyComplete, match=r"^study is complete: ") as caught:
        await do(study.ask())
    assert caught.value.finish_reason == "MAX_TRIALS"
    assert list(losses) == list(range(1, 9))
    best = await do(study.best_trial)
    assert (best.number, best.metrics["loss"]) == min(losses.items(), key=lambda item: item[1])
    assert [trial.metrics["loss"] for trial in await do(study.best_trials(3))] == sorted(losses.values())[:3]
    assert await do(study.best_by_model) is None, "nothing is noisy here"
    await do(study.refresh())
    assert (study.state, study.finish_reason, study.counts.succeeded) == ("FINISHED", "MAX_TRIALS", 8)


async def test_a_trial_is_told_to_stop(client: Any) -> None:
    rules = asktell.MedianStopping(min_trials=3) | asktell.ThresholdStopping(max=9.0, grace_trials=1)
    study = await do(
        client.create_study("early", space=SPACE, objectives=asktell.Minimize("loss"), early_stopping=rules)
    )
    assert study.early_stopping == rules
    for loss in (1.0, 2.0, 99.0):
        trial = await do(study.ask())
        said = [await do(trial.report(step=step, loss=loss - step)) for step in range(3)]
        assert said == [loss == 99] * 3
        assert trial.should_stop is (loss == 99)
        await do(trial.stop() if trial.should_stop else trial.tell(loss=loss - 2))
    (stopped,) = await do(study.trials(states="STOPPED"))
    assert stopped.reason == "threshold: its loss at step 0, 99, is above 9"

    trial = await do(study.ask())
    assert await do(trial.report(step=1, loss=-0.5)) is False
    assert await do(trial.report(step=2, loss=1.2)) is False  # its best so far is -0.5
    again = await do(study.ask())
    assert await do(again.report(step=2, loss=1.2)) is True
    assert again.stop_reason.startswith("median: its best loss so far, 1.2, is worse than -0.25, the median of the 4")
    await do(again.stop())
    assert (again.state, again.metrics, again.reason) == ("STOPPED", {"loss": 1.2}, again.stop_reason)
    with pytest.raises(asktell.InvalidArgument, match=r"^early_stopping\.min_trials: must be at least 1, got -1"):
        await do(study.update(early_stopping=asktell.MedianStopping(min_trials=-1)))
    await do(study.update(early_stopping=None))
    assert study.early_stopping is None
    last = await do(study.ask())
    assert await do(last.report(step=2, loss=50.0)) is False


async def test_where_results_are_noisy_a_model_has_a_best_of_its_own(client: Any) -> None:
    study = await do(client.create_study("noisy", space=SPACE, objectives=asktell.Minimize("loss"), seed=1))
    for index in range(6):
        trial = await do(study.ask())
        await do(trial.tell(loss=asktell.MetricValue(float(index % 4), standard_error=0.5)))
    best = await do(study.best_by_model)
    assert best.trial.number in range(1, 7)
    assert 0 <= best.mean <= 3
    assert best.standard_deviation > 0
    assert best.noise > 0
    assert (await do(study.best_trial)).metrics["loss"] == 0.0


async def test_each_configuration_is_tried_as_often_as_the_study_asks_for(client: Any) -> None:
    space = {"n": asktell.Int(1, 2)}
    study = await do(client.create_study("twice", space=space, objectives=asktell.Minimize("loss"), replicates=2))
    assert study.replicates == 2
    seen = []
    for _ in range(4):
        trial = await do(study.ask())
        seen.append(trial.params["n"])
        await do(trial.tell(loss=0.5))
    assert sorted(seen) == [1, 1, 2, 2]
    with pytest.raises(asktell.StudyComplete) as caught:
        await do(study.ask())
    assert caught.value.finish_reason == "EXHAUSTED"


async def test_values_keep_their_kind(study: Any) -> None:
    trial = await do(study.ask())
    assert {name: type(value) for name, value in trial.params.items()} == {
        "lr": float,
        "layers": int,
        "rank": int,
        "optimizer": str,
        "nesterov": bool,
    }
    exact = {"lr": 0.1, "layers": 3, "rank": 8, "optimizer": "sgd", "nesterov": True}
    assert (await do(study.enqueue(exact))).params == exact
    await do(trial.tell(loss=0.1 + 0.2))
    assert (await do(study.trial(trial.number))).metrics == {"loss": 0.1 + 0.2}


async def test_running_trials_differ(study: Any) -> None:
    trials = await do(study.ask(5))
    assert [trial.worker_id for trial in trials] == ["tester"] * 5
    assert len({tuple(trial.params.values()) for trial in trials}) == 5


async def test_what_a_person_enqueues_comes_first(study: Any) -> None:
    mine = {"lr": 1e-3, "layers": 2, "rank": 4, "optimizer": "adam", "nesterov": False}
    queued = await do(study.enqueue([mine, {**mine, "layers": 3}], labels={"by": "me"}))
    assert [trial.state for trial in queued] == ["QUEUED", "QUEUED"]
    trial = await do(study.ask())
    assert (trial.params, trial.origin, trial.labels) == (mine, "PERSON", {"by": "me"})
    with pytest.raises(asktell.ValueOutsideSpace) as caught:
        await do(study.enqueue({**mine, "lr": 7.0}))
    assert caught.value.parameter == "lr"


async def test_imports_are_idempotent(study: Any) -> None:
    params: dict[str, asktell.ParameterValue] = {
        "lr": 1e-3,
        "layers": 2,
        "rank": 4,
        "optimizer": "adam",
        "nesterov": False,
    }
    started = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    past = [
        asktell.ImportedTrial(
            key="run-1",
            params=params,
            metrics={"loss": asktell.MetricValue(0.5, 0.1)},
            start_time=started,
            finish_time=started + timedelta(seconds=90),
        ),
        asktell.ImportedTrial(key="run-2", params=params, outcome=asktell.Outcome.FAILED, reason="oom"),
    ]
    first = await do(study.import_trials(past))
    again = await do(study.import_trials(past))
    assert [trial.number for trial in first] == [trial.number for trial in again]
    assert (first[0].import_key, first[0].origin, first[0].duration_s) == ("run-1", "IMPORT", 90.0)
    assert first[0].standard_errors == {"loss": 0.1}
    assert (first[1].state, first[1].reason) == ("FAILED", "oom")


async def test_trials_without_a_result(study: Any) -> None:
    failed, infeasible, stopped, released = await do(study.ask(4))
    await do(failed.fail("diverged", acc=0.1))
    await do(infeasible.infeasible("out of memory"))
    await do(stopped.report(step=1, loss=3.0))
    await do(stopped.stop(reason="enough"))
    await do(released.release())
    assert [trial.state for trial in (failed, infeasible, stopped, released)] == [
        "FAILED",
        "INFEASIBLE",
        "STOPPED",
        "QUEUED",
    ]
    assert (failed.reason, infeasible.reason, stopped.metrics) == ("diverged", "out of memory", {"loss": 3.0})
    assert not any(trial.is_open for trial in (failed, infeasible, stopped, released))
    found = await do(study.trials(states=["failed", asktell.TrialState.INFEASIBLE]))
    assert [trial.number for trial in found] == [failed.number, infeasible.number]
    assert (await do(study.ask())).params == released.params


async def test_bad_results_change_nothing(study: Any) -> None:
    trial = await do(study.ask())
    for metrics, error in (
        ({"loss": math.nan}, asktell.NotFinite),
        ({"los": 1.0}, asktell.UnknownMetric),
        ({"acc": 1.0}, asktell.MissingObjective),
    ):
        with pytest.raises(error):
            await do(trial.tell(metrics))
        assert trial.is_open
    await do(trial.tell(loss=1))
    assert trial.metrics == {"loss": 1.0}


async def test_a_result_never_changes_but_by_amending(study: Any) -> None:
    trial = await do(study.ask())
    await do(trial.tell(loss=1.0))
    await do(trial.tell(loss=1.0))
    with pytest.raises(asktell.ResultConflict) as caught:
        await do(trial.tell(loss=2.0))
    assert caught.value.stored == {"loss": 1.0}
    await do(trial.amend(loss=2.0, reason="wrong split"))
    assert trial.metrics == {"loss": 2.0}
    assert [(each.previous_metrics, each.reason) for each in trial.amendments] == [({"loss": 1.0}, "wrong split")]
    failed = await do(study.ask())
    await do(failed.fail("out of memory"))
    await do(failed.amend(loss=3.0, reason="it had finished"))
    (former,) = failed.amendments
    assert (former.previous_state, former.previous_reason) == ("FAILED", "out of memory")
    assert former.reason == "it had finished"


async def test_labels_and_annotations(study: Any) -> None:
    trial = await do(study.ask())
    await do(trial.label(host="a", team="nlp"))
    await do(trial.label(host="b"))
    await do(trial.annotate({"mlflow.run.id": "17"}))
    assert (trial.labels, trial.annotations) == ({"host": "b", "team": "nlp"}, {"mlflow.run.id": "17"})
    assert [each.number for each in await do(study.trials(labels={"host": "b"}))] == [trial.number]
    assert await do(study.trials(labels={"host": "a"})) == []


async def test_a_cancelled_trial_stops_its_worker(client: Any) -> None:
    study = await do(
        client.create_study("c", space=SPACE, objectives=asktell.Minimize("loss"), algorithm="random", lease_s=1.0)
    )
    trial = await do(study.ask())
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    trial.on_stop(lambda: loop.call_soon_threadsafe(stopped.set))
    await do((await do(study.trial(trial.number))).cancel("not wanted"))
    await asyncio.wait_for(stopped.wait(), PATIENCE_S)  # by its own heartbeat
    assert trial.should_stop
    assert trial.lease_lost
    await do(trial.refresh())
    assert (trial.state, trial.reason) == ("CANCELLED", "not wanted")


async def test_an_open_trial_outlives_its_lease(client: Any) -> None:
    study = await do(
        client.create_study("h", space=SPACE, objectives=asktell.Minimize("loss"), algorithm="random", lease_s=3.0)
    )
    trial = await do(study.ask())
    await asyncio.sleep(4.5)  # one and a half leases: a machine may stall for most of one
    other = await do(study.ask())
    assert other.number != trial.number
    assert not trial.lease_lost


async def test_a_dead_workers_trial_goes_to_the_next(client: Any) -> None:
    study = await do(
        client.create_study(
            "d", space=SPACE, objectives=asktell.Minimize("loss"), algorithm="random", lease_s=1.0, max_running=1
        )
    )
    dead = await do(study.ask())
    number, params = dead.number, dead.params
    del dead  # no heartbeat from now on
    gc.collect()
    trial = await do(study.ask())  # waits until the lease has run out: no more than one may run
    assert (trial.number, trial.params, trial.attempt) == (number, params, 2)


async def test_measurements(study: Any) -> None:
    trial = await do(study.ask())
    for step in (1, 2):
        await do(trial.report({"loss": 1 / step}, step=step, acc=step))
    await do(trial.refresh())
    assert [(each.step, each.metrics) for each in await do(trial.measurements)] == [
        (1, {"loss": 1.0, "acc": 1.0}),
        (2, {"loss": 0.5, "acc": 2.0}),
    ]
    assert trial.measurement_count == 2
    assert trial.is_open


async def test_steering_a_study(study: Any) -> None:
    await do(study.pause())
    with pytest.raises(asktell.StudyPaused):
        await do(study.ask())
    await do(study.resume())
    await do(study.update(max_trials=5, patience=2, max_running=1, display_name="Mine", labels={"team": "nlp"}))
    assert (study.stopping.max_trials, study.stopping.patience, study.max_running) == (5, 2, 1)
    assert (study.display_name, study.labels) == ("Mine", {"team": "nlp"})
    etag = study.etag
    await do(study.update(patience=None))
    assert study.stopping.patience is None
    with pytest.raises(asktell.EtagMismatch):
        await do(study.update(max_trials=6, etag=etag))
    first = await do(study.ask())
    with pytest.raises(asktell.NoTrialAvailable) as caught:
        await do(study.ask(wait=False))
    assert caught.value.retry_after_s is not None
    assert first.is_open
    await do(study.finish())
    with pytest.raises(asktell.StudyComplete):
        await do(study.ask())
    await do(first.tell(loss=1.0))  # results of running trials are still taken


async def test_ask_waits_until_a_trial_comes_free(client: Any) -> None:
    study = await do(
        client.create_study("w", space=SPACE, objectives=asktell.Minimize("loss"), algorithm="random", max_running=1)
    )
    first = await do(study.ask())
    second = asyncio.create_task(asyncio.to_thread(study.ask)) if isinstance(client, asktell.Client) else None
    waiting = second or asyncio.create_task(study.ask())
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await do(first.tell(loss=1.0))
    assert (await asyncio.wait_for(waiting, PATIENCE_S)).number == 2


async def test_create_or_load(client: Any) -> None:
    spec: dict[str, Any] = {"space": SPACE, "objectives": asktell.Minimize("loss"), "seed": 3}
    first = await do(client.create_study("x", exist_ok=True, algorithm=asktell.Bayesian(), **spec))
    again = await do(client.create_study("x", exist_ok=True, algorithm=asktell.Bayesian(5), lease_s=60, **spec))
    assert first.etag == again.etag
    with pytest.raises(asktell.StudyExists):
        await do(client.create_study("x", algorithm=asktell.Bayesian(), **spec))
    other = {**spec, "space": {**SPACE, "lr": asktell.Float(0, 1)}}
    with pytest.raises(asktell.StudyExists, match=r"another space \(lr\), algorithm: choose another name"):
        await do(client.create_study("x", exist_ok=True, **other))


async def test_studies_are_found(client: Any) -> None:
    for name, team in (("a", "nlp"), ("b", "vision")):
        await do(
            client.create_study(name, space=SPACE, objectives=asktell.Maximize("acc"), labels={"team": team}, seed=5)
        )
    assert [study.id for study in await do(client.studies())] == ["a", "b"]
    found = await do(client.studies(labels={"team": "vision"}))
    assert [study.name for study in found] == [(await do(client.study("b"))).name]
    assert found[0].objectives == [asktell.Maximize("acc")]
    assert found[0].seed == 5
    await do(found[0].delete())
    with pytest.raises(asktell.StudyNotFound):
        await do(client.study("b"))
    with pytest.raises(asktell.TrialNotFound):
        await do((await do(client.study("a"))).trial(7))


async def test_wrong_specifications_name_the_field(client: Any) -> None:
    with pytest.raises(asktell.InvalidArgument) as caught:
        await do(client.create_study("bad", space={"x": asktell.Float(1, 0)}, objectives=asktell.Minimize("l")))
    assert caught.value.field == "study.search_space.parameters[0].float_domain.max"
    assert str(caught.value) == "space['x'].max: must be greater than min (1.0), got 0.0"
    with pytest.raises(asktell.TestSplitObjective):
        await do(
            client.create_study("bad", space=SPACE, objectives=asktell.Minimize("l", split="test"), algorithm="random")
        )
    twice = [asktell.Minimize("a"), asktell.Maximize("a")]
    with pytest.raises(asktell.InvalidArgument) as caught:
        await do(client.create_study("bad", space=SPACE, objectives=twice))
    assert caught.value.field == "study.objectives[1].metric"
    assert await do(client.studies()) == []


async def test_a_warning_of_the_study_is_logged(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    study = await do(client.create_study("few", space=SPACE, objectives=asktell.Minimize("loss"), max_trials=2))
    assert [warning.kind for warning in study.warnings] == ["BUDGET_TOO_SMALL"]
    assert "study few: max_trials: " in caplog.text


async def test_the_stateless_door(client: Any) -> None:
    space: dict[str, asktell.Domain] = {"x": asktell.Float(0, 1), "y": asktell.Float(0, 1)}
    seen = [asktell.Observation({"x": x / 7, "y": 1 - x / 7}, {"loss": (x / 7 - 0.3) ** 2}) for x in range(8)] + [
        asktell.Observation({"x": 0.9, "y": 0.9}, outcome=asktell.Outcome.FAILED)
    ]
    arguments: dict[str, Any] = {"count": 2, "seed": 5, "pending": [{"x": 0.3, "y": 0.3}]}
    found = await do(client.suggest(space, asktell.Minimize("loss"), seen, **arguments))
    assert len(found) == 2
    assert all(suggestion.origin == "MODEL" for suggestion in found)
    assert found[0].prediction is not None
    again = await do(client.suggest(space, asktell.Minimize("loss"), seen, **arguments))
    assert [each.params for each in again] == [each.params for each in found]
    warm = await do(client.suggest(space, asktell.Minimize("loss"), seen, warm_start=found.warm_start, **arguments))
    assert len(warm) == 2


async def test_the_stateless_door_tries_a_configuration_as_often_as_wanted(client: Any) -> None:
    space: dict[str, asktell.Domain] = {"flag": asktell.Bool()}
    seen = [asktell.Observation({"flag": flag}, {"loss": float(flag)}) for flag in (False, True)]
    with pytest.raises(asktell.StudyComplete, match="every configuration of its space"):
        await do(client.suggest(space, asktell.Minimize("loss"), seen, algorithm="random"))
    again = await do(client.suggest(space, asktell.Minimize("loss"), seen, algorithm="random", replicates=2, count=2))
    assert {each.params["flag"] for each in again} == {False, True}


async def test_deleted_trials_leave_a_trace(study: Any) -> None:
    trial = await do(study.ask())
    with pytest.raises(asktell.IllegalTransition) as caught:
        await do(trial.delete())
    assert caught.value.state == "RUNNING"
    await do(trial.tell(loss=1.0))
    await do(trial.delete())
    watch = study.watch()
    changes = []
    if hasattr(watch, "__aiter__"):
        async for change in watch:
            changes.append(change)
            if change.deleted_trial is not None:
                break
        await watch.aclose()
    else:
        for change in watch:
            changes.append(change)
            if change.deleted_trial is not None:
                break
        watch.close()
    assert changes[-1].deleted_trial == trial.number
    assert changes[0].study is not None
    assert [change.trial.state for change in changes if change.trial is not None][-1] == "SUCCEEDED"


async def test_a_block_fails_its_trial(study: Any) -> None:
    trial = await do(study.ask())

    async def block() -> None:
        if hasattr(trial, "__aenter__"):
            async with trial:
                raise RuntimeError("loss exploded")
        with trial:
            raise RuntimeError("loss exploded")

    with pytest.raises(RuntimeError, match="loss exploded"):
        await block()
    assert (trial.state, trial.reason) == ("FAILED", "RuntimeError: loss exploded")
