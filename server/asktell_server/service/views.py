"""The views that a server keeps of studies: read when a study is first used, brought up to date by one read of the log."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from functools import partial
from typing import Protocol

from asktell_server.domain.errors import AsktellError
from asktell_server.domain.names import StudyName
from asktell_server.pace import Pace
from asktell_server.service.curves import most_to_read
from asktell_server.service.freshening import FRESH_S, Freshening
from asktell_server.service.log_pages import PAGE
from asktell_server.service.resting import REST_S, Resting
from asktell_server.service.snapshots import Snapshots
from asktell_server.service.study_view import StudyView
from asktell_server.store.protocol import (
    LogStore,
    MeasurementStore,
    SnapshotStore,
    StudyDelta,
    StudyHead,
    StudyStore,
    TrialStore,
)

log = logging.getLogger(__name__)

STOP_S = 3.0
"""How long a server that stops writes snapshots, in seconds: those of a few hundred studies, or of one of 100,000 trials."""


class _Store(StudyStore, TrialStore, LogStore, MeasurementStore, SnapshotStore, Protocol):
    """The parts of the ledger that are needed here."""


class Views:
    """The views that a server keeps; those unused for longest go first.

    All of them together have at most the size of `max_trials` trials, except that the view used last always stays.
    """

    def __init__(
        self,
        ledger: _Store,
        *,
        max_trials: int = 200_000,
        snapshots: Snapshots | None = None,
        rest_s: float = REST_S,
        stop_s: float = STOP_S,
        fresh_s: float = FRESH_S,
    ) -> None:
        self._ledger = ledger
        self._resting = Resting(self._catch_up, rest_s=rest_s)
        self._stop_s = stop_s
        self._freshening = Freshening(self._freshen, fresh_s=fresh_s)
        self._snapshots = snapshots or Snapshots(ledger)
        self._max_trials = max_trials
        self._views: OrderedDict[StudyName, StudyView] = OrderedDict()
        self._sizes: dict[StudyName, int] = {}
        """As last counted, in trials."""
        self._size = 0
        """Their sum."""
        self._loading: dict[StudyName, asyncio.Task[StudyView]] = {}

    def peek(self, name: StudyName) -> StudyView | None:
        """The view as it is, however old; None when there is none."""
        self._resting.used(name)
        return self._views.get(name)

    def drop(self, name: StudyName) -> None:
        """Forgets a study."""
        if self._views.pop(name, None) is not None:
            self._size -= self._sizes.pop(name)
            self._freshening.forget(name)

    def freshen(self, name: StudyName) -> None:
        """Begins to bring a view up to date that has not been for `fresh_s` seconds. Nobody waits for it."""
        self._freshening.used(name)

    async def _freshen(self, name: StudyName) -> None:
        try:
            await self.refresh(name)
        except AsktellError as error:  # whoever needs the study will hear of it
            log.debug("view of %s not brought up to date: %s", name, error)
        except Exception:  # nobody waits for it
            log.exception("view of %s not brought up to date", name)

    async def close(self) -> None:
        """Writes snapshots of what has changed, as far as that goes in `stop_s`, and ends what is done beside the calls."""
        await self._resting.close()
        await self._freshening.close()
        left = list(self._views)
        try:
            async with asyncio.timeout(self._stop_s):
                while left:  # those used last are wanted first
                    await self._catch_up(left[-1])
                    left.pop()
        except TimeoutError:
            log.warning(
                "no snapshots of %d studies within %g s: a server that starts reads more of them",
                len(left),
                self._stop_s,
            )
        await self._snapshots.close()

    async def refresh(self, name: StudyName) -> tuple[StudyView, StudyDelta]:
        """Brings the view up to date in one round trip (more only at first, or far behind).

        Raises:
            NotFound: no such study.
        """
        known = await self._refresh(name)
        self._resting.used(name)
        return known

    async def _refresh(self, name: StudyName) -> tuple[StudyView, StudyDelta]:
        view = self._views.get(name)
        while True:
            if view is None:
                view = await self._loaded(name)
            after = view.sequence  # it moves on while this call waits
            delta = await self._ledger.read_delta(name, after=after, limit=PAGE, ready=True)
            if delta.head.epoch != view.head.epoch or delta.head.sequence < after:
                self.drop(name)  # another study of the same name, or a store restored from a backup: start over
                view = None
                continue
            await view.follow(delta)
            if delta.more:
                continue
            self._keep(name, view)
            if view.is_ranked:
                break
            await view.rank()  # and once more, for the view may have moved on
        self._snapshots.consider(view)
        return view, delta

    async def _catch_up(self, name: StudyName) -> None:
        """Brings the snapshot of a study up to date, if there is a view of it."""
        if name not in self._views:
            return
        try:
            view, _ = await self._refresh(name)
            await self._snapshots.catch_up(view)
        except AsktellError as error:  # it has been deleted, or the store is away
            log.debug("no snapshot of %s: %s", name, error)
        except Exception:  # nobody waits for it
            log.exception("no snapshot of %s", name)

    def _keep(self, name: StudyName, view: StudyView) -> None:
        self._views[name] = view
        self._views.move_to_end(name)
        self._freshening.was_read(name)
        self._count(name, view.size)

    async def _loaded(self, name: StudyName) -> StudyView:
        """A new view, read once for all callers that wait for it; the end of one caller is not that of the others."""
        loading = self._loading.get(name)
        if loading is None:
            loading = self._loading[name] = asyncio.create_task(self._load(name), name=f"load {name}")
            loading.add_done_callback(partial(self._forget_loading, name))
        return await asyncio.shield(loading)

    def _forget_loading(self, name: StudyName, loading: asyncio.Task[StudyView]) -> None:
        del self._loading[name]
        if not loading.cancelled():
            loading.exception()  # retrieved: its callers have it, or are gone

    async def _load(self, name: StudyName) -> StudyView:
        head = await self._ledger.read_head(name)
        return await self._snapshots.load(head) or await self._read(head)

    async def _read(self, head: StudyHead) -> StudyView:
        """Reads all trials and their curves by pages; what changes meanwhile comes with the log, after the head."""
        name, view, pace = head.study.name, StudyView(head), Pace()
        for first in range(1, view.head.last_number + 1, PAGE):
            numbers = range(first, min(first + PAGE, view.head.last_number + 1))
            for record in await self._ledger.read_trials(name, numbers=numbers):
                if record is not None:
                    view.put(record.trial, measurements=record.measurement_count)
                    await pace.keep()
        reported = [number for number in view.trials if view.measurement_count(number)]
        if reported:
            most = most_to_read(len(reported))
            async for part in self._ledger.read_curves(name, numbers=reported, most=most):
                view.curves.extend(part)
        return view

    def _count(self, name: StudyName, size: int) -> None:
        """Notes the size of the view used last, and forgets others if all are too much."""
        self._size += size - self._sizes.get(name, 0)
        self._sizes[name] = size
        while self._size > self._max_trials and len(self._views) > 1:
            self.drop(next(iter(self._views)))
