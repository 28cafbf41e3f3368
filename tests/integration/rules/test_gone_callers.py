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
FEWEST_GIVEN_BACK = ASKS // 20
"""How many are given back depends on the machine: of some, the answer had left the server when the caller went."""
SETTLED_S = 20.0
"""Well below the lease of 60 s, after which trials would come back by themselves."""


def test_cancelled_asks_give_their_trials_back(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    chance = random.Random(7)
    taken: set[int] = set()
    for _ in range(ASKS):
        asking = rpc.trials.Ask.future(study.ask_request())
        time.sleep(chance.uniform(0, 0.006))
        if not asking.cancel():  # it has been answered
            taken.update(trial.number for trial in asking.result().trials)
    deadline = time.monotonic() + SETTLED_S
    while (given_back := _given_back(study)) < FEWEST_GIVEN_BACK:
        assert time.monotonic() < deadline, f"{given_back} of {ASKS} asks gave their trial back"
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


def _given_back(study: StudyCalls) -> int:
    """How often a running trial of the study went back to the queue, so far."""
    end = study.get().cursor
    with study.watch() as changes:
        return sum(change.trial.state == trial_pb2.TRIAL_STATE_QUEUED for change in changes.until(end))
