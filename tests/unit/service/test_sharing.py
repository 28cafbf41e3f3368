"""How one round of asks shares the queue: nobody takes what somebody else of the round alone could run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from asktell_server.domain.space import Configuration
from asktell_server.domain.trial import Trial
from asktell_server.service.ask.offer import UNLIMITED, Offer
from asktell_server.service.ask.sharing import AskJob, Shares
from asktell_server.store.protocol import UP_TO_DATE
from tests.support.builders import a_study, a_trial


def an_offer(**changes: Any) -> Offer:
    """An offer without limits, and with nothing prepared."""
    offer: dict[str, Any] = {
        "study": a_study(),
        "epoch": "e",
        "can_skip_reading": True,
        "limit": UP_TO_DATE,
        "ready": (),
        "stale": (),
        "depth": 0,
        "open": 0,
        "startable": UNLIMITED,
        "budget": UNLIMITED,
        "known_number": 0,
        "trials": 0,
        "pending": 0,
    }
    return Offer(**{**offer, **changes})


def queued(*batches: int, depth: int = 1) -> list[Trial]:
    """Trials with these batch sizes, numbered from 1."""
    return [
        a_trial(number=number, parameters={"batch": batch, "depth": depth}) for number, batch in enumerate(batches, 1)
    ]


async def shared(jobs: Sequence[tuple[int, Configuration]], queue: Sequence[Trial], **offer: Any) -> list[list[int]]:
    """The numbers of the queued trials that each job gets; jobs as count and fixed values, among them `continue_from`."""
    asking = [
        AskJob(
            count=count,
            worker_id="",
            request=None,
            answer=asyncio.get_running_loop().create_future(),
            continue_from=int(fixed.get("continue_from", 0)),
            fixed={name: value for name, value in fixed.items() if name != "continue_from"},
        )
        for count, fixed in jobs
    ]
    Shares(asking, an_offer(**offer), queue)
    return [[trial.number for trial in job.queued] for job in asking]


@pytest.mark.parametrize(
    ("jobs", "batches", "expected"),
    [
        # In turn alone, the first would have taken what another one could run and nothing else.
        ([(1, {}), (1, {"batch": 8})], (8, 16), [[2], [1]]),
        ([(1, {}), (2, {"batch": 8})], (8, 8, 16), [[3], [1, 2]]),
        ([(2, {}), (1, {"batch": 8})], (8, 16, 32), [[2, 3], [1]]),
        ([(1, {}), (1, {"batch": 16}), (1, {"batch": 8})], (8, 16, 32), [[3], [2], [1]]),
        # What there is not enough of is dealt in turn, in the order of the queue.
        ([(1, {}), (1, {"batch": 8})], (8,), [[1], []]),
        ([(2, {}), (2, {})], (8, 16, 32), [[1, 3], [2]]),
        # Where there is enough for both, the queue's order holds.
        ([(1, {}), (1, {"batch": 8})], (8, 8, 16), [[1], [2]]),
        # A job that has all it wants keeps nothing back.
        ([(1, {"batch": 8}), (2, {})], (8, 8, 8), [[1], [2, 3]]),
    ],
)
async def test_who_can_run_less_is_left_what_it_can_run(
    jobs: Sequence[tuple[int, Configuration]], batches: tuple[int, ...], expected: list[list[int]]
) -> None:
    assert await shared(jobs, queued(*batches)) == expected


async def test_jobs_with_other_fixed_parameters_do_not_stand_in_each_others_way() -> None:
    queue = [
        a_trial(number=1, parameters={"batch": 8, "opt": "adam"}),
        a_trial(number=2, parameters={"batch": 8, "opt": "sgd"}),
    ]
    assert await shared([(1, {"batch": 8}), (1, {"opt": "adam"})], queue) == [[2], [1]]


async def test_a_trial_to_go_on_from_is_fixed_too() -> None:
    queue = [a_trial(number=1, parameters={"batch": 8}, continue_from=7), a_trial(number=2, parameters={"batch": 8})]
    assert await shared([(1, {}), (1, {"continue_from": 7})], queue) == [[2], [1]]


async def test_the_limit_of_running_trials_holds() -> None:
    assert await shared([(2, {}), (1, {"batch": 8})], queued(8, 16, 32), startable=2) == [[2], [1]]


async def test_a_long_queue_is_dealt_in_its_order() -> None:
    numbers = await shared([(500, {}), (500, {})], queued(*[8] * 1000))
    assert numbers == [list(range(1, 1000, 2)), list(range(2, 1001, 2))]
