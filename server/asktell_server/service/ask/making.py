"""Computes one suggestion before anybody asks for it, and keeps it in the ledger."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass

from asktell_server.domain.names import StudyName
from asktell_server.service.ask.demand import WASTE, Cause, Demand, KnownProgress, Making
from asktell_server.service.ask.offer import Offer, may_prepare
from asktell_server.service.clock import Clock
from asktell_server.service.modelling import Modelling, new_trial, task_of
from asktell_server.service.study_view import StudyView
from asktell_server.service.views import Views
from asktell_server.store.protocol import EndedPreparing, Prepared, PreparedStore

log = logging.getLogger(__name__)

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
    """Prepared suggestions dropped because too many trials had ended since, or too surprisingly."""
    used: int = 0
    """Trials started from a prepared suggestion."""
    joined: int = 0
    """Asks that waited for a suggestion in the making instead of computing the same."""


class Maker:
    """Makes suggestions under the ledger's lock, each knowing of those that are prepared already."""

    def __init__(self, ledger: PreparedStore, views: Views, modelling: Modelling, clock: Clock) -> None:
        self.counters = PreparingCounters()
        self._ledger = ledger
        self._views = views
        self._modelling = modelling
        self._clock = clock

    async def spare(self) -> None:
        """Returns once a worker has nothing to do."""
        await self._modelling.spare()

    async def make(self, name: StudyName, demand: Demand, offer: Offer) -> bool:
        """Makes one; `offer` is what the study can give as this server knows it. Whether there is one more now.

        Raises:
            NotFound: no such study. Unavailable: the store is away.
        """
        cause, demand.cause = demand.cause, Cause.ASK
        demand.making = making = Making(fixed=demand.fixed_in(offer))
        try:
            token = secrets.token_hex(8)
            for_others = len(offer.ready) - len(offer.ready_for(making.fixed))
            if not await self._ledger.begin_preparing(
                name, token=token, depth=demand.depth(offer) + for_others, staleness=offer.limit, lock_s=LOCK_S
            ):
                return False
            prepared = None
            try:
                view, _ = await self._views.refresh(name)
                offer = Offer.of(view)
                prepared = await self._compute(view, offer, demand, making, token)
                offer = Offer.of(view)  # it may have moved on
            finally:
                # A lock that is not given back, because this task or the store goes down, lapses.
                ended = await self._ledger.end_preparing(name, token=token, prepared=prepared, staleness=offer.limit)
            self._count(name, demand, cause, prepared, ended)
            if prepared is None or not ended.kept:
                return False
            view.ready = [*view.ready, prepared]
            return prepared in Offer.of(view).ready
        finally:
            demand.making = None
            making.done.set()

    async def _compute(
        self, view: StudyView, offer: Offer, demand: Demand, making: Making, token: str
    ) -> Prepared | None:
        """One suggestion for what the view knows; None if none is wanted any more, or no worker is idle."""
        fixed = making.fixed = demand.fixed_in(offer)
        task = task_of(view, 1, fixed=fixed, also_pending=[prepared.trial.parameters for prepared in offer.ready])
        wanted = may_prepare(offer.study) and offer.wants_another(demand.depth(offer), fixed)
        if not wanted or not task.needs_model():
            return None
        # As it is now: the view may move on.
        known = making.known = KnownProgress(ended=view.ended, surprise=view.surprise)
        suggestion = await self._modelling.suggest_ahead(view, task, prepared_pending=len(offer.ready))
        if suggestion is None:
            return None
        return Prepared(
            ready_id=token,
            trial=new_trial(view.study.space, suggestion, self._clock()),
            ended=known.ended,
            surprise=known.surprise,
            known_number=offer.known_number,
        )

    def _count(
        self, name: StudyName, demand: Demand, cause: Cause, prepared: Prepared | None, ended: EndedPreparing
    ) -> None:
        self.counters.stale += ended.stale
        if ended.stale:
            log.debug("%d prepared suggestions of %s were too stale", ended.stale, name)
        if prepared is None:
            return
        demand.end_of_preparation()
        if ended.kept:
            demand.keep(prepared.ready_id, cause)
            self.counters.prepared += 1
            log.debug("prepared a suggestion for %s after %d trials", name, prepared.ended)
        else:
            demand.credits[cause].add(-WASTE)
            self.counters.refused += 1
            log.debug("a suggestion prepared for %s does not fit any more", name)
