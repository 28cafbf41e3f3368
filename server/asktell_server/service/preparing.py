"""Prepares the next suggestions of studies that are being asked, so that an ask finds one ready.

Any server may prepare, one at a time does for a study, and only with a worker that is idle: nobody ever waits for a
preparation of another study or of another server. What is prepared is kept in the ledger, whose scripts see to it that
each suggestion is used once and never when it has become stale; a server that is wrong about what there is loses a
round trip, no more.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from asktell_server.domain.errors import AsktellError, NotFound
from asktell_server.domain.names import StudyName
from asktell_server.service.clock import Clock
from asktell_server.service.demand import CREDIT_OF_CALL, WASTE, Cause, Demand, Making, Told
from asktell_server.service.modelling import Modelling, new_trial, task_of
from asktell_server.service.readiness import budget_left, may_prepare, staleness_limit, usable
from asktell_server.service.views import StudyView, Views
from asktell_server.store.protocol import EndedPreparing, Ledger, Prepared, StalenessLimit

log = logging.getLogger(__name__)

ASKED_WITHIN_S = 300.0
"""Nothing is prepared for a study that nobody has asked for so long."""
LOCK_S = 10.0
"""How long a server that dies keeps the others from preparing for its study; longer than a suggestion takes."""


@dataclass(slots=True, kw_only=True)
class PreparingCounters:
    """What has happened since the start."""

    prepared: int = 0
    """Suggestions computed ahead and kept in the ledger."""
    refused: int = 0
    """Suggestions computed ahead that did not fit any more when they were done."""
    stale: int = 0
    """Prepared suggestions dropped because too much had been told since."""
    used: int = 0
    """Trials started from a prepared suggestion."""
    joined: int = 0
    """Asks that waited for a suggestion in the making instead of computing the same."""


class Preparer:
    """Watches what is asked and told on this server and keeps suggestions ready."""

    def __init__(self, ledger: Ledger, views: Views, modelling: Modelling, clock: Clock) -> None:
        self.counters = PreparingCounters()
        self._ledger = ledger
        self._views = views
        self._modelling = modelling
        self._clock = clock
        self._demands: dict[StudyName, Demand] = {}
        self._closed = False

    @property
    def at_work(self) -> frozenset[StudyName]:
        """Studies for which something is being prepared, or waits for an idle worker."""
        return frozenset(name for name, demand in self._demands.items() if demand.task)

    def asked(self, name: StudyName, count: int, *, used: Sequence[str]) -> None:
        """So many trials have been started for asks, some of them from what was prepared under these ids."""
        self.counters.used += len(used)
        demand = self._demand(name)
        demand.since += count
        demand.use(used)
        demand.yields[Cause.ASK].add(CREDIT_OF_CALL)
        self._wake(name, demand, Cause.ASK)

    def changed(self, name: StudyName) -> None:
        """A trial has ended, or something else that suggestions depend on."""
        demand = self._demands.get(name)
        if demand is not None and demand.asked_at + ASKED_WITHIN_S > asyncio.get_running_loop().time():
            demand.yields[Cause.CHANGE].add(CREDIT_OF_CALL)
            self._wake(name, demand, Cause.CHANGE)

    @contextmanager
    def held(self, name: StudyName) -> Iterator[None]:
        """Nothing is begun for the study meanwhile: the trials that an ask is about to get would make it worthless."""
        demand = self._demand(name)
        demand.held += 1
        demand.cause = Cause.ASK  # all that has been told by now is for these trials
        try:
            yield
        finally:
            demand.held -= 1
            if demand.since or demand.recent:
                self._wake(name, demand, Cause.ASK)
            elif not demand.held and demand.task is None:  # nothing has come of it
                self._demands.pop(name, None)

    async def join(self, name: StudyName, view: StudyView, limit: StalenessLimit) -> bool:
        """Waits for the suggestion that this server has in the making; False if there is none that would do."""
        demand = self._demands.get(name)
        making = demand.making if demand else None
        if making is None or not making.may_serve(view, limit):
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
                if other.task is None and not other.held and other.asked_at + ASKED_WITHIN_S <= now:
                    del self._demands[unasked]
            demand = self._demands[name] = Demand(asked_at=now)
        demand.asked_at = now
        return demand

    def _wake(self, name: StudyName, demand: Demand, cause: Cause) -> None:
        if demand.cause is not Cause.CHANGE:  # nothing has been computed since the last change
            demand.cause = cause
        if demand.task is not None:
            demand.again = True
        elif not self._closed and self._wants_one(name, demand):
            demand.task = asyncio.create_task(self._run(name, demand), name=f"prepare {name}")

    async def _run(self, name: StudyName, demand: Demand) -> None:
        try:
            more = True
            while more:
                demand.again = False
                await self._modelling.spare()
                more = (self._wants_one(name, demand) and await self._prepare(name, demand)) or demand.again
        except NotFound:
            self._views.drop(name)
        except AsktellError as error:
            log.warning("nothing prepared for %s: %s", name, error)
        except Exception:
            log.exception("preparing for %s failed", name)
        finally:
            demand.task = None

    def _wants_one(self, name: StudyName, demand: Demand) -> bool:
        """As far as this server knows, without a read."""
        view = self._views.peek(name)
        if view is None or demand.held or not may_prepare(view.study):
            return False
        limit = staleness_limit(view)
        ready = usable(view, limit)
        demand.discard(prepared for prepared in view.ready if not limit.allows(prepared, view))
        if demand.yields[demand.cause].credit < 1:
            return False
        return len(ready) < demand.depth(limit) and budget_left(view, ready) and task_of(view, 1).needs_model()

    async def _prepare(self, name: StudyName, demand: Demand) -> bool:
        """Computes one suggestion under the lock and keeps it; whether there is one more now than there was."""
        view = self._views.peek(name)
        if view is None:
            return False
        limit, cause = staleness_limit(view), demand.cause
        demand.cause = Cause.ASK
        demand.making = making = Making()
        try:
            token = secrets.token_hex(8)
            if not await self._ledger.begin_preparing(
                name, token=token, depth=demand.depth(limit), staleness=limit, lock_s=LOCK_S
            ):
                return False
            prepared = None
            try:
                view, _ = await self._views.refresh(name)
                prepared = await self._compute(view, demand, making, token)
            finally:
                # A lock that is not given back, because this task or the store goes down, lapses.
                ended = await self._ledger.end_preparing(
                    name, token=token, prepared=prepared, staleness=staleness_limit(view)
                )
            self._count(name, demand, cause, prepared, ended)
            if prepared is None or not ended.kept:
                return False
            view.ready = [*view.ready, prepared]
            return prepared in usable(view, staleness_limit(view))
        finally:
            demand.making = None
            making.done.set()

    async def _compute(self, view: StudyView, demand: Demand, making: Making, token: str) -> Prepared | None:
        limit = staleness_limit(view)
        ready = usable(view, limit)
        beside = [prepared.trial.parameters for prepared in ready]
        task = task_of(view, 1, beside=beside)
        if (
            not may_prepare(view.study)
            or len(ready) >= demand.depth(limit)
            or not budget_left(view, ready)
            or not task.needs_model()
        ):
            return None
        told, known_number = Told(ended=view.ended, news=view.news), view.head.last_number  # the view may move on
        making.told = told
        suggestion = await self._modelling.suggest_ahead(view, task, beside=len(beside))
        if suggestion is None:
            return None
        trial = new_trial(suggestion, self._clock())
        return Prepared(ready_id=token, trial=trial, ended=told.ended, news=told.news, known_number=known_number)

    def _count(
        self, name: StudyName, demand: Demand, cause: Cause, prepared: Prepared | None, ended: EndedPreparing
    ) -> None:
        self.counters.stale += ended.stale
        if ended.stale:
            log.debug("%d prepared suggestions of %s were too stale", ended.stale, name)
        if prepared is None:
            return
        demand.recent.append(demand.since)
        demand.since = 0
        if ended.kept:
            demand.keep(prepared.ready_id, cause)
            self.counters.prepared += 1
            log.debug("prepared a suggestion for %s after %d trials", name, prepared.ended)
        else:
            demand.yields[cause].add(-WASTE)
            self.counters.refused += 1
            log.debug("a suggestion prepared for %s does not fit any more", name)
