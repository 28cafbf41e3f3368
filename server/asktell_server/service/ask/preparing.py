"""Prepares the next suggestions of studies that are being asked, so that an ask finds one ready.

Any server may prepare, one at a time does for a study, and only with a worker that is idle: nobody ever waits for a
preparation of another study or of another server. Prepared suggestions are in the ledger, whose scripts see to it that
each is used once and never when it has become stale; a server that is wrong about what there is loses a round trip, no
more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from asktell_server.domain.errors import AsktellError, NotFound
from asktell_server.domain.names import StudyName
from asktell_server.domain.space import Configuration
from asktell_server.service.ask.demand import CREDIT_OF_CALL, Cause, Demand
from asktell_server.service.ask.making import Maker, PreparingCounters
from asktell_server.service.ask.offer import Offer, may_prepare
from asktell_server.service.modelling import task_of
from asktell_server.service.study_view import StudyView
from asktell_server.service.views import Views
from asktell_server.store.protocol import StalenessLimit

log = logging.getLogger(__name__)

ASKED_WITHIN_S = 300.0
"""Nothing is prepared for a study that nobody has asked for so long."""


class Preparer:
    """Watches what is asked and told on this server and keeps suggestions ready."""

    def __init__(self, views: Views, maker: Maker) -> None:
        self._views = views
        self._maker = maker
        self._demands: dict[StudyName, Demand] = {}
        self._closed = False

    @property
    def counters(self) -> PreparingCounters:
        """What has happened since the start."""
        return self._maker.counters

    @property
    def at_work(self) -> frozenset[StudyName]:
        """Studies for which something is being prepared, or waits for an idle worker."""
        return frozenset(name for name, demand in self._demands.items() if demand.task)

    def asked(self, name: StudyName, count: int, *, used: Sequence[str], fixed: Configuration, epoch: str) -> None:
        """`count` trials have been started for asks, some of them from what was prepared under the ids `used`.

        The last of the asks had the `fixed` values, in a study with the `epoch`.
        """
        self.counters.used += len(used)
        demand = self._demand(name)
        demand.asked += count
        demand.fixed, demand.epoch = fixed, epoch
        demand.use(used)
        demand.credits[Cause.ASK].add(CREDIT_OF_CALL)
        self._wake(name, demand, Cause.ASK)

    def changed(self, name: StudyName) -> None:
        """A trial has ended, or something else that suggestions depend on."""
        demand = self._demands.get(name)
        if demand is not None and demand.asked_at + ASKED_WITHIN_S > asyncio.get_running_loop().time():
            demand.credits[Cause.CHANGE].add(CREDIT_OF_CALL)
            self._wake(name, demand, Cause.CHANGE)

    @contextmanager
    def paused(self, name: StudyName) -> Iterator[None]:
        """Nothing is begun for the study meanwhile: the trials that an ask is about to get would make it worthless."""
        demand = self._demand(name)
        demand.rounds += 1
        demand.cause = Cause.ASK  # all that has been told by now is for these trials
        try:
            yield
        finally:
            demand.rounds -= 1
            if demand.asked or demand.recent:
                self._wake(name, demand, Cause.ASK)
            elif demand.is_idle:  # nothing has come of it
                self._demands.pop(name, None)

    async def join(self, view: StudyView, limit: StalenessLimit, fixed: Sequence[Configuration]) -> bool:
        """Waits for the suggestion that this server has in the making; False if there is none that would do.

        `fixed`: the fixed values of each ask that it may be for.
        """
        demand = self._demands.get(view.study.name)
        making = demand.making if demand else None
        if making is None or not making.may_serve(view, limit, fixed):
            return False
        self.counters.joined += 1
        await making.done.wait()
        return True

    async def close(self) -> None:
        """Stops preparing."""
        self._closed = True
        tasks = [demand.task for demand in self._demands.values() if demand.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _demand(self, name: StudyName) -> Demand:
        """That of a study that is being asked now."""
        now = asyncio.get_running_loop().time()
        demand = self._demands.get(name)
        if demand is None:
            for unasked, other in list(self._demands.items()):
                if other.is_idle and other.asked_at + ASKED_WITHIN_S <= now:
                    del self._demands[unasked]
            demand = self._demands[name] = Demand(asked_at=now)
        demand.asked_at = now
        return demand

    def _wake(self, name: StudyName, demand: Demand, cause: Cause) -> None:
        if demand.cause is not Cause.CHANGE:  # nothing has been computed since the last change
            demand.cause = cause
        if demand.task is not None:
            demand.again = True
        elif not self._closed and self._wanted(name, demand):
            demand.task = asyncio.create_task(self._run(name, demand), name=f"prepare {name}")

    async def _run(self, name: StudyName, demand: Demand) -> None:
        try:
            more = True
            while more:
                demand.again = False
                await self._maker.spare()
                offer = self._wanted(name, demand)
                more = (offer is not None and await self._maker.make(name, demand, offer)) or demand.again
        except NotFound:
            self._views.drop(name)
        except AsktellError as error:
            log.warning("nothing prepared for %s: %s", name, error)
        except Exception:
            log.exception("preparing for %s failed", name)
        finally:
            demand.task = None

    def _wanted(self, name: StudyName, demand: Demand) -> Offer | None:
        """What the study can give, as far as this server knows without a read, if one more is to be prepared."""
        view = self._views.peek(name)
        if view is None or demand.rounds or not may_prepare(view.study):
            return None
        offer = Offer.of(view)
        demand.discard(offer.stale)
        fixed = demand.fixed_in(offer)
        wanted = (
            demand.credits[demand.cause].is_enough
            and offer.wants_another(demand.depth(offer), fixed)
            and task_of(view, 1, fixed=fixed).needs_model()
        )
        return offer if wanted else None
