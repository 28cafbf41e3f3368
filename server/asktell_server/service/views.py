"""What a server remembers of a study between calls: a cache, never state.

A view follows the study's log: one incremental read brings it up to date, and any server can rebuild it.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol

from asktell_server.domain.metrics import Measurement
from asktell_server.domain.names import StudyName
from asktell_server.domain.space import Configuration
from asktell_server.domain.standings import Standings, standing_of, standings_of
from asktell_server.domain.study import Study
from asktell_server.domain.surprise import surprise
from asktell_server.domain.trial import Trial, TrialState
from asktell_server.engine.history import History
from asktell_server.service.curves import Curves, most_to_read
from asktell_server.service.observing import observation
from asktell_server.service.problems import problem_of
from asktell_server.store.protocol import (
    LogEntry,
    LogStore,
    MeasurementReported,
    MeasurementStore,
    Prepared,
    StudyChanged,
    StudyDelta,
    StudyHead,
    StudyStore,
    TrialChanged,
    TrialDeleted,
    TrialStore,
)

PAGE = 500
"""Trials and log entries read in one round trip."""
_POINTS_PER_TRIAL = 128
"""Points of curves that take about as much memory as a trial, 2 kB."""


class StudyView:
    """One study as of a position of its log."""

    def __init__(self, head: StudyHead) -> None:
        self.head = head
        self.sequence = head.sequence
        self.warm_start: bytes | None = None
        self.warm_start_sequence = 0
        self.ready: Sequence[Prepared] = ()
        self.curves = Curves()
        self._trials: dict[int, Trial] = {}
        self._deleted: set[int] = set()
        self._measurements: dict[int, int] = {}
        self._ended: list[int] = []
        """Numbers of the trials that have ended, rising; in the order of `_history`."""
        self._history = problem_of(head.study).empty_history()
        self._surprises: dict[int, int] = {}
        self.surprise = 0
        """The sum of the surprises of the trials that have ended."""
        self._standings = standings_of(head.study.goals)
        self._open: list[int] = []
        """Numbers of the trials that are queued or running, rising."""
        self._queued: list[int] = []
        """Those that are queued, rising."""
        self.newest = 0
        """The highest number of a trial that the view has heard of."""

    @property
    def study(self) -> Study:
        """The study's own specification and state."""
        return self.head.study

    @property
    def trials(self) -> Mapping[int, Trial]:
        """All trials by number."""
        return self._trials

    def between(self, first: int, last: int) -> list[Trial]:
        """The trials with the numbers from `first` to `last`, in their order."""
        numbers = range(first, min(last, self.newest) + 1)
        return [trial for number in numbers if (trial := self._trials.get(number)) is not None]

    @property
    def standings(self) -> Standings:
        """How the results stand among each other."""
        return self._standings

    def best(self, count: int) -> list[Trial]:
        """At most `count` trials with a feasible result, the best first; equally good ones by their numbers."""
        return [self._trials[number] for number in self._standings.best(count)]

    def measurement_count(self, number: int) -> int:
        """How many measurements the trial has reported."""
        return self._measurements.get(number, 0)

    @property
    def size(self) -> int:
        """How much memory the view takes, in trials."""
        return len(self._trials) + self.curves.points // _POINTS_PER_TRIAL

    def queued(self, count: int) -> list[Trial]:
        """The first `count` QUEUED trials by number: those given back come before those enqueued later."""
        return [self._trials[number] for number in self._queued[:count]]

    def pending(self) -> list[Configuration]:
        """Configurations that are queued or running, in the order of the numbers."""
        return [self._trials[number].parameters for number in self._open]

    def history(self) -> History:
        """Everything that was tried and has ended by now, in the order of the numbers; the view moves on without it."""
        return self._history.snapshot()

    def ended_numbers(self) -> Sequence[int]:
        """The numbers of the trials of `history`, in its order; the view moves on without them."""
        return tuple(self._ended)

    @property
    def ended(self) -> int:
        """How many trials have ended."""
        return len(self._ended)

    @property
    def running(self) -> int:
        """How many trials are running."""
        return len(self._open) - len(self._queued)

    def put(self, trial: Trial, *, measurements: int | None = None) -> None:
        """Takes in a trial as it was read or written, unless the view knows a newer version."""
        known = self._trials.get(trial.number)
        if trial.number in self._deleted or (known is not None and known.revision >= trial.revision):
            return
        if known is None:
            self.newest = max(self.newest, trial.number)
        else:
            self._forget(known)
        self._trials[trial.number] = trial
        if measurements is not None:
            self._measurements[trial.number] = max(measurements, self.measurement_count(trial.number))
        if trial.state.is_open:
            insort(self._open, trial.number)
            if trial.state is TrialState.QUEUED:
                insort(self._queued, trial.number)
        else:
            self._end(trial)

    def _end(self, trial: Trial) -> None:
        """Takes in the result of a trial that has ended."""
        goals = self.study.goals
        place = bisect_left(self._ended, trial.number)
        self._ended.insert(place, trial.number)
        self._history.insert(place, observation(goals, trial.parameters, trial.result))
        self._surprises[trial.number] = surprise(trial, goals)
        self.surprise += self._surprises[trial.number]
        if (standing := standing_of(trial, goals)) is not None:
            self._standings.put(trial.number, standing)

    def remove(self, number: int) -> None:
        """Forgets a deleted trial, for good."""
        self._deleted.add(number)
        if (known := self._trials.pop(number, None)) is not None:
            self._forget(known)
        self._measurements.pop(number, None)
        self.curves.remove(number)

    def report(self, number: int, measurement: Measurement) -> None:
        """Takes in a measurement as it was written; the log will bring it once more."""
        if number not in self._deleted:
            self.curves.report(number, measurement)

    def _forget(self, trial: Trial) -> None:
        """Takes a version of a trial out of all that is kept by its state."""
        if not trial.state.is_open:
            place = bisect_left(self._ended, trial.number)
            del self._ended[place]
            self._history.remove(place)
            self.surprise -= self._surprises.pop(trial.number)
            self._standings.remove(trial.number)
            return
        _take_out(self._open, trial.number)
        if trial.state is TrialState.QUEUED:
            _take_out(self._queued, trial.number)

    def apply(self, entry: LogEntry) -> None:
        """Takes in one entry of the log."""
        change = entry.change
        match change:
            case TrialChanged(trial=trial):
                self.put(trial)
            case TrialDeleted(number=number):
                self.remove(number)
            case MeasurementReported(number=number, index=index, measurement=measurement):
                self._measurements[number] = max(index + 1, self.measurement_count(number))
                if entry.sequence > self.sequence:  # an earlier one is there, or has been replaced by a later one
                    self.report(number, measurement)
            case StudyChanged():
                pass  # the head of the same read is at least as new
        self.sequence = max(self.sequence, entry.sequence)


def _take_out(numbers: list[int], number: int) -> None:
    del numbers[bisect_left(numbers, number)]


class _Store(StudyStore, TrialStore, LogStore, MeasurementStore, Protocol):
    """The parts of the ledger that are needed here."""


class Views:
    """The views that a server keeps; those unused for longest go first.

    All of them together have at most the size of `max_trials` trials, except that the view used last always stays.
    """

    def __init__(self, ledger: _Store, *, max_trials: int = 200_000) -> None:
        self._ledger = ledger
        self._max_trials = max_trials
        self._views: OrderedDict[StudyName, StudyView] = OrderedDict()
        self._sizes: dict[StudyName, int] = {}
        """As last counted, in trials."""
        self._size = 0
        """Their sum."""
        self._loading: dict[StudyName, asyncio.Task[StudyView]] = {}

    def peek(self, name: StudyName) -> StudyView | None:
        """The view as it is, however old; None when there is none."""
        return self._views.get(name)

    def drop(self, name: StudyName) -> None:
        """Forgets a study."""
        if self._views.pop(name, None) is not None:
            self._size -= self._sizes.pop(name)

    async def refresh(self, name: StudyName) -> tuple[StudyView, StudyDelta]:
        """Brings the view up to date in one round trip (more only at first, or far behind).

        Raises:
            NotFound: no such study.
        """
        while True:
            view = self._views.get(name)
            if view is None:
                view = await self._loaded(name)
            delta = await self._ledger.read_delta(name, after=view.sequence, limit=PAGE, ready=True)
            if delta.head.epoch == view.head.epoch and delta.head.sequence >= view.sequence:
                break
            self.drop(name)  # another study of the same name, or a store restored from a backup: start over
        self._apply(view, delta)
        while delta.more:
            delta = await self._ledger.read_delta(name, after=view.sequence, limit=PAGE, ready=True)
            self._apply(view, delta)
        self._views[name] = view
        self._views.move_to_end(name)
        self._count(name, view.size)
        return view, delta

    @staticmethod
    def _apply(view: StudyView, delta: StudyDelta) -> None:
        if delta.head.sequence >= view.head.sequence:
            view.head = delta.head
            view.ready = delta.ready
        for entry in delta.entries:
            view.apply(entry)

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
        """Reads all trials and their curves by pages; what changes meanwhile comes with the log, after the head."""
        view = StudyView(await self._ledger.read_head(name))
        for first in range(1, view.head.last_number + 1, PAGE):
            numbers = range(first, min(first + PAGE, view.head.last_number + 1))
            for record in await self._ledger.read_trials(name, numbers=numbers):
                if record is not None:
                    view.put(record.trial, measurements=record.measurement_count)
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
