"""Studies: what the use cases need of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from asktell_server.domain.names import StudyName
from asktell_server.store.memory import MemoryLedger
from asktell_server.store.protocol import StudyHead
from tests.support.builders import NAME
from tests.unit.service.conftest import HandClock, Services


class CountingLedger(MemoryLedger):
    """Counts the round trips that a list takes; a study of the list is deleted between them."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.trips: list[str] = []
        self.goes: StudyName | None = None

    async def list_studies(self, project: str, **what: Any) -> Sequence[StudyName]:
        """See StudyStore."""
        self.trips.append("names")
        return await super().list_studies(project, **what)

    async def read_heads(self, names: Sequence[StudyName]) -> Sequence[StudyHead | None]:
        """See StudyStore."""
        self.trips.append("heads")
        if self.goes is not None:
            await self.delete_study(self.goes, expected_revision=None, request=None)
        return await super().read_heads(names)

    async def read_head(self, name: StudyName) -> StudyHead:
        """See StudyStore."""
        self.trips.append("head")
        return await super().read_head(name)


async def test_a_page_takes_two_round_trips_and_leaves_out_what_goes_meanwhile(clock: HandClock) -> None:
    ledger = CountingLedger(clock)
    services = Services(ledger, clock)
    names = [StudyName(project=NAME.project, study_id=f"s{index}") for index in range(5)]
    for index, name in enumerate(names):
        await services.create(name=name, labels={"parity": str(index % 2)})
    ledger.goes = names[1]
    page, following = await services.studies.list_page(NAME.project, labels={}, after="", limit=4)
    assert [head.study.name for head in page] == [names[0], names[2], names[3]]
    assert following == "s3"
    assert ledger.trips == ["names", "heads"]
    ledger.goes = None
    even, _ = await services.studies.list_page(NAME.project, labels={"parity": "0"}, after="s0", limit=9)
    assert [head.study.name for head in even] == [names[2], names[4]]
