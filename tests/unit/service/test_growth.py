"""What a call costs does not depend on how many trials its study has; what must walk lets others have their turn."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Awaitable
from typing import Any

import pytest

from asktell_server import pace
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Objective, OutcomeConstraint
from asktell_server.domain.study import StoppingRules
from asktell_server.domain.trial import Trial, TrialState
from asktell_server.service import trial_book
from asktell_server.service.intake import PastTrial
from asktell_server.service.reading import STEP, TrialFilter
from asktell_server.service.snapshot_parts import sealed_part
from asktell_server.service.study_updates import StudyUpdate
from asktell_server.service.study_view import StudyView
from asktell_server.store.codec import decode_trial
from asktell_server.store.memory import MemoryLedger
from tests.support.builders import NAME, ranked, success
from tests.support.turns import turns_of
from tests.unit.service.conftest import HandClock, Services

SMALL, LARGE = 400, 4000
EVERYTHING = TrialFilter()
NOTHING = TrialFilter(labels={"there is": "none"})


class Unpacked:
    """Counts the trials that are looked at."""

    def __init__(self) -> None:
        self.count = 0

    async def by(self, call: Awaitable[object]) -> int:
        """How many a call looks at."""
        before = self.count
        await call
        return self.count - before


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> Unpacked:
    """Counts from here on."""
    counter = Unpacked()

    def counting(blob: bytes, *, number: int, revision: int) -> Trial:
        counter.count += 1
        return decode_trial(blob, number=number, revision=revision)

    monkeypatch.setattr(trial_book, "decode_trial", counting)
    return counter


async def _study(services: Services, size: int, **changes: Any) -> StudyView:
    """A study of so many results, all packed as if they had come from a snapshot."""
    rng = random.Random(size)
    await services.create(stopping=StoppingRules(target_value=-1.0, patience_trials=10**6), **changes)
    for start in range(0, size, 1000):
        numbers = range(start, min(start + 1000, size))
        past = [
            PastTrial(
                import_key=str(number),
                parameters={"lr": rng.random(), "layers": 2, "bias": True},
                result=success(rng.random()),
            )
            for number in numbers
        ]
        await services.intake.import_(NAME, past, request=None)
    view, _ = await services.views.refresh(NAME)
    for index in range(view.part_count):
        part = view.part(index)
        view.pack(part.trials, sealed_part(index, part)[1])
    return view


async def _looked_at(clock: HandClock, size: int, unpacked: Unpacked) -> dict[str, int]:
    """How many trials each kind of call looks at."""
    services = Services(MemoryLedger(clock), clock)
    await _study(services, size)
    reading = services.reading
    found = {
        "best": await unpacked.by(reading.best(NAME, count=1)),
        "best ten": await unpacked.by(reading.best(NAME, count=10)),
        "first page": await unpacked.by(reading.list_page(NAME, filter_=EVERYTHING, after=0, limit=10)),
        "last page": await unpacked.by(reading.list_page(NAME, filter_=EVERYTHING, after=size - 20, limit=10)),
        "by state": await unpacked.by(
            reading.list_page(NAME, filter_=TrialFilter(states=frozenset({TrialState.RUNNING})), after=0, limit=10)
        ),
        "ask": await unpacked.by(services.ask()),
        "update": await unpacked.by(services.trials.amend(NAME.trial(5), success(0.5), reason="a typo", request=None)),
    }
    await services.close()
    return found


async def test_a_call_looks_at_no_more_trials_in_a_large_study(clock: HandClock, unpacked: Unpacked) -> None:
    small, large = [await _looked_at(clock, size, unpacked) for size in (SMALL, LARGE)]
    assert small == large
    assert (large["best"], large["best ten"], large["by state"], large["ask"]) == (1, 10, 0, 0)
    assert large["first page"] <= STEP


async def test_a_walk_through_all_trials_lets_others_have_their_turn(services: Services) -> None:
    await _study(services, LARGE)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    _, page, following = await services.reading.list_page(NAME, filter_=NOTHING, after=0, limit=10)
    assert (page, following) == ([], None)
    assert turns >= LARGE // STEP - 1
    turns = 0
    records = (await services.reading.best(NAME, count=1000)).records
    assert len(records) == 1000
    assert turns >= 1
    counting.cancel()


async def test_what_is_read_of_a_study_is_taken_in_trial_by_trial(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _study(services, SMALL)
    other = services.another()
    monkeypatch.setattr(pace, "PIECE_S", 0.0)  # each trial is a piece
    assert (
        await turns_of(other.views.refresh(NAME)) == 0
    )  # a view is read in a task of its own: its turns are counted below
    for number in range(1, SMALL + 1):
        await services.trials.amend(NAME.trial(number), success(0.5), reason="a typo", request=None)
    assert await turns_of(other.views.refresh(NAME)) >= SMALL
    walk = other.reading.list_page(NAME, filter_=NOTHING, after=0, limit=10)
    assert await turns_of(walk) >= SMALL


RELATIVE = Goals(
    objectives=(Objective(metric="loss", goal=Goal.MAXIMIZE),),
    outcome_constraints=(OutcomeConstraint(metric="loss", max=1.5, of_baseline=True),),
)


async def test_a_new_baseline_ranks_a_large_study_in_steps_and_misses_nothing(services: Services) -> None:
    view = await _study(services, LARGE, goals=RELATIVE)
    assert view.is_ranked
    update = StudyUpdate(changes={"baseline_trial": LARGE})
    await services.studies.update(NAME, update, etag="", request=None)
    limit = 1.5 * view.trials[LARGE].metrics["loss"].value
    turns, refresh = 0, asyncio.create_task(services.views.refresh(NAME))
    while not refresh.done():
        await asyncio.sleep(0)
        turns += not view.is_ranked
        if turns == 5:  # trials change while others are ranked
            view.put(dataclasses.replace(view.trials[7], metrics=success(limit).metrics, revision=10**6))
            view.remove(8)
    assert refresh.result()[0] is view
    assert turns > 10
    assert view.goals.outcome_constraints[0].max == limit
    expected = ranked(view.trials.values(), view.goals)
    assert view.standings.best(LARGE) == expected.best(LARGE)
    assert view.standings.best(1) == [7]
    assert view.standings.of(8) is None


async def test_what_constraints_are_relative_to_is_found_without_a_walk(services: Services, unpacked: Unpacked) -> None:
    view = await _study(services, SMALL, goals=RELATIVE)
    values = {number: view.trials[number].metrics["loss"].value for number in (1, 2)}
    before = unpacked.count
    assert view.goals.outcome_constraints[0].max == 1.5 * values[1]
    view.remove(1)
    assert view.goals.outcome_constraints[0].max == 1.5 * values[2]
    assert unpacked.count - before < 10
