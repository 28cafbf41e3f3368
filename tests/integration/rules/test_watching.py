"""WatchStudy: every change exactly once, from any cursor on, for many watchers at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from asktell.v1 import study_pb2, study_service_pb2, trial_pb2, trial_service_pb2
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import Rpc, StudyCalls, refusal, refused

Change = trial_service_pb2.WatchStudyResponse


def _kinds(changes: list[Change]) -> list[str]:
    return [str(change.WhichOneof("change")) for change in changes]


def _some_changes(study: StudyCalls) -> None:
    for trial in study.ask(3):
        study.report(trial, 0.7, step=1)
        study.tell(trial, 0.5)
    study.update("display_name", display_name="renamed")


def test_a_watch_from_the_beginning_tells_the_whole_story(new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one()
    study.report(trial, 0.7, step=1)
    study.tell(trial, 0.5)
    study.update("state", state=study_pb2.STUDY_STATE_PAUSED)
    study.rpc.trials.DeleteTrial(trial_service_pb2.DeleteTrialRequest(name=trial.name))
    with study.watch() as watch:
        changes = watch.until(study.get().cursor)
    assert _kinds(changes) == ["study", "trial", "reported", "trial", "study", "deleted_trial"]
    assert changes[0].study.state == study_pb2.STUDY_STATE_ACTIVE
    assert [changes[index].trial.state for index in (1, 3)] == [
        trial_pb2.TRIAL_STATE_RUNNING,
        trial_pb2.TRIAL_STATE_SUCCEEDED,
    ]
    assert changes[1].trial.parameters == trial.parameters
    assert (changes[2].reported.name, changes[2].reported.measurement.step) == (trial.name, 1)
    assert changes[4].study.state == study_pb2.STUDY_STATE_PAUSED
    assert changes[5].deleted_trial.name == trial.name
    assert len({change.cursor for change in changes}) == len(changes)


def test_a_watch_from_each_cursor_gets_the_rest_exactly_once(new_study: NewStudy) -> None:
    study = new_study()
    _some_changes(study)
    end = study.get().cursor
    with study.watch() as watch:
        story = watch.until(end)
    for index, change in enumerate(story[:-1]):
        with study.watch(change.cursor) as watch:
            assert watch.until(end) == story[index + 1 :]


def test_changes_arrive_while_one_watches(new_study: NewStudy) -> None:
    study = new_study()
    with study.watch(study.get().cursor) as watch:
        for loss in (0.5, 0.4):
            trial = study.ask_one()
            (started,) = watch.take(1)
            assert (started.trial.name, started.trial.state) == (trial.name, trial_pb2.TRIAL_STATE_RUNNING)
            study.tell(trial, loss)
            (told,) = watch.take(1)
            assert told.trial.metrics["loss"].value == loss


def test_many_watchers_get_the_same_story(new_study: NewStudy) -> None:
    study = new_study()
    watching = threading.Barrier(31)

    def follow(_: int) -> list[Change]:
        with study.watch() as watch:
            changes = watch.take(1)
            watching.wait(timeout=60)
            return changes + watch.take(20)

    with ThreadPoolExecutor(30) as pool:
        stories = [pool.submit(follow, index) for index in range(30)]
        watching.wait(timeout=60)
        for trial in study.ask(10):
            study.tell(trial, 0.5)
        first, *others = (story.result(timeout=60) for story in stories)
    assert all(other == first for other in others)
    assert len({change.cursor for change in first}) == 21


def test_a_watch_that_resumes_again_and_again_misses_nothing(new_study: NewStudy) -> None:
    study = new_study()
    seen: list[Change] = []
    done = threading.Event()

    def follow() -> None:
        cursor = ""
        while not done.is_set() or cursor != study.get().cursor:
            with study.watch(cursor) as watch:
                seen.extend(watch.take(1))  # one at a time: as if the connection broke after each
            cursor = seen[-1].cursor

    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(follow)
        for trial in study.ask(15):
            study.tell(trial, 0.5)
        done.set()
        following.result(timeout=60)
    with study.watch() as watch:
        assert seen == watch.until(study.get().cursor)


def test_a_watch_ends_when_the_study_is_deleted(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    with study.watch() as watch:
        watch.take(1)
        rpc.studies.DeleteStudy(study_service_pb2.DeleteStudyRequest(name=study.name))
        with pytest.raises(grpc.RpcError) as caught:
            list(watch)
    assert (refusal(caught.value).code.name, refusal(caught.value).reason) == ("NOT_FOUND", "STUDY_NOT_FOUND")


def test_watching_a_missing_study(new_study: NewStudy) -> None:
    study = StudyCalls(new_study().rpc, "projects/default/studies/no-such-study")
    what = refused(lambda: study.watch().take(1))
    assert (what.code.name, what.reason) == ("NOT_FOUND", "STUDY_NOT_FOUND")


def test_a_watcher_s_deadline_ends_its_stream(new_study: NewStudy) -> None:
    study = new_study()
    with study.watch(study.get().cursor, timeout_s=0.3) as watch, pytest.raises(grpc.RpcError) as caught:
        watch.take(1)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_watchers_that_leave_are_forgotten(new_study: NewStudy) -> None:
    study = new_study()
    for _ in range(50):
        with study.watch() as watch:
            watch.take(1)
    study.tell(study.ask_one(), 0.5)
    assert study.get().trial_counts.succeeded == 1
