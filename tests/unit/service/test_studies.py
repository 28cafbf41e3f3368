"""What the service adds to a new study."""

from __future__ import annotations

import itertools

import pytest

from asktell_server.domain.comparing import WantedStudy
from asktell_server.service.studies import Studies, draw_seed
from asktell_server.service.views import Views
from asktell_server.store.memory import MemoryLedger
from tests.support.builders import NAME, NOW, a_study


@pytest.fixture
def studies() -> Studies:
    """Studies whose seeds count up from 40."""
    ledger = MemoryLedger()
    return Studies(ledger, Views(ledger), lambda: NOW, seed_of_new=itertools.count(40).__next__)


async def test_a_seed_is_drawn_where_the_creator_gave_none(studies: Studies) -> None:
    wanted = WantedStudy(study=a_study(seed=0), unset=frozenset({"seed"}))
    created = await studies.create(wanted, exist_ok=False, request=None)
    assert created.head.study.seed == 40
    assert (await studies.get(NAME)).study.seed == 40
    opened = await studies.create(wanted, exist_ok=True, request=None)
    assert opened.head.study.seed == 40, "the study that is there keeps its own"


async def test_a_seed_that_was_given_stays(studies: Studies) -> None:
    created = await studies.create(WantedStudy(study=a_study(seed=0)), exist_ok=False, request=None)
    assert created.head.study.seed == 0


def test_drawn_seeds_are_valid_and_differ() -> None:
    seeds = {draw_seed() for _ in range(100)}
    assert len(seeds) == 100
    for seed in seeds:
        a_study(seed=seed).validate()
