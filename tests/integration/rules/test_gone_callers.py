"""Asks whose callers go away: their trials come back at once, unless the answer was on its way already."""

from __future__ import annotations

import random
import time

import grpc
import pytest

from asktell.v1 import trial_pb2
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import Rpc, StudyCalls

pytestmark = pytest.mark.xdist_group("gone callers")

ASKS = 300
MOST_LEFT = ASKS // 5
"""Answers that had left the server when the caller went; it cannot know. 7 to 10 % here, 45 % if none is given back."""
MOST_S = 20.0
"""Well below the lease of 60 s."""


def test_cancelled_asks_give_their_trials_back(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    chance = random.Random(7)
    taken: set[int] = set()
    for _ in range(ASKS):
        asking = rpc.trials.Ask.future(study.ask_request())
        time.sleep(chance.uniform(0, 0.006))
        if not asking.cancel():  # it has been answered
            taken.update(trial.number for trial in asking.result().trials)
    deadline = time.monotonic() + MOST_S
    while len(left := _running(study) - taken) > MOST_LEFT:
        assert time.monotonic() < deadline, f"{len(left)} of {ASKS} asks left a trial running"
        time.sleep(0.1)  # polls with a deadline
    assert taken <= _running(study), "those that were answered keep their trials"


def test_with_a_request_id_a_repetition_gets_the_trial(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    chance = random.Random(7)
    for attempt in range(50):
        request = study.ask_request(request_id=f"r-{attempt}")
        asking = rpc.trials.Ask.future(request)
        time.sleep(chance.uniform(0, 0.006))
        asking.cancel()
        (trial,) = rpc.trials.Ask(request).trials
        assert study.trial(trial.number).lease_id == trial.lease_id
        study.tell(trial, 0.5)
        if not asking.cancelled():
            assert asking.code() is grpc.StatusCode.OK


def _running(study: StudyCalls) -> set[int]:
    return {trial.number for trial in study.list_trials() if trial.state == trial_pb2.TRIAL_STATE_RUNNING}
