"""What a server remembers of a study between calls: a cache, never state.

A view follows the study's log: one incremental read brings it up to date, and any server can rebuild it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from asktell_server.domain.names import StudyName
from asktell_server.domain.news import news
from asktell_server.domain.space import Configuration
from asktell_server.domain.study import Study
from asktell_server.domain.trial import Trial, TrialState
from asktell_server.engine.history import History
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.service.problems import problem_of
from asktell_server.store.protocol import (
    Ledger,
    LogEntry,
    MeasurementReported,
    Prepared,
    StudyChanged,
    StudyDelta,
    StudyHead,
    TrialChanged,
    TrialDeleted,
)

PAGE = 500
"""Trials and log entries read in one round trip."""


class StudyView:
    """One study as of a position of its log."""

    def __init__(self, head: StudyHead) -> None:
        self.head = head
        self.sequence = head.sequence
        self.warm_start: bytes | None = None
        self.warm_start_sequence = 0
        self.ready: Sequence[Prepared] = ()
        self._trials: dict[int, Trial] = {}
        self._deleted: set[int] = set()
        self._measurements: dict[int, int] = {}
        self._ended: list[int] = []
        """Numbers of the trials that have ended, rising; in the order of `_history`."""
        self._history = problem_of(head.study).empty_history()
        self._told: dict[int, int] = {}
        self.news = 0
        """What the trials that have ended told, in thousandths of a result."""
        self._open: set[int] = set()

    @property
    def study(self) -> Study:
        """The study's own specification and state."""
        return self.head.study

    @property
    def trials(self) -> Mapping[int, Trial]:
        """All trials by number."""
        return self._trials

    def sorted_trials(self) -> list[Trial]:
        """All trials in the order of their numbers."""
        return [self._trials[number] for number in sorted(self._trials)]

    def measurement_count(self, number: int) -> int:
        """How many measurements the trial has reported."""
        return self._measurements.get(number, 0)

    def queued(self) -> list[Trial]:
        """QUEUED trials, lowest number first: those given back come before those enqueued later."""
        return [trial for trial in self._open_trials() if trial.state is TrialState.QUEUED]

    def pending(self) -> list[Configuration]:
        """Configurations that are queued or running."""
        return [trial.parameters for trial in self._open_trials()]

    def history(self) -> History:
        """Everything that was tried and has ended by now, in the order of the numbers; the view moves on without it."""
        return self._history.snapshot()

    def ended_trials(self) -> Sequence[Trial]:
        """The trials of `history`."""
        return [self._trials[number] for number in self._ended]

    @property
    def ended(self) -> int:
        """How many trials have ended."""
        return len(self._ended)

    @property
    def running(self) -> int:
        """How many trials are running."""
        return sum(self._trials[number].state is TrialState.RUNNING for number in self._open)

    def _open_trials(self) -> list[Trial]:
        return [self._trials[number] for number in sorted(self._open)]

    def put(self, trial: Trial, *, measurements: int | None = None) -> None:
        """Takes in a trial as it was read or written, unless the view knows a newer version."""
        known = self._trials.get(trial.number)
        if trial.number in self._deleted or (known is not None and known.revision >= trial.revision):
            return
        self._trials[trial.number] = trial
        if measurements is not None:
            self._measurements[trial.number] = max(measurements, self.measurement_count(trial.number))
        if trial.state.is_open:
            self._open.add(trial.number)
        else:
            self._open.discard(trial.number)
            place = self._forget_end(trial.number)
            self._ended.insert(place, trial.number)
            self._history.insert(place, observation(self.study, trial))
            self._told[trial.number] = news(trial, self.study.objective)
            self.news += self._told[trial.number]

    def remove(self, number: int) -> None:
        """Forgets a deleted trial, for good."""
        self._deleted.add(number)
        self._open.discard(number)
        self._trials.pop(number, None)
        self._forget_end(number)
        self._measurements.pop(number, None)

    def _forget_end(self, number: int) -> int:
        """Takes the trial out of those that have ended; returns its place among them."""
        place = bisect_left(self._ended, number)
        if self._ended[place : place + 1] == [number]:
            del self._ended[place]
            self._history.remove(place)
            self.news -= self._told.pop(number)
        return place

    def apply(self, entry: LogEntry) -> None:
        """Takes in one entry of the log."""
        change = entry.change
        match change:
            case TrialChanged(trial=trial):
                self.put(trial)
            case TrialDeleted(number=number):
                self.remove(number)
            case MeasurementReported(number=number, index=index):
                self._measurements[number] = max(index + 1, self.measurement_count(number))
            case StudyChanged():
                pass  # the head of the same read is at least as new
        self.sequence = max(self.sequence, entry.sequence)


def observation(study: Study, trial: Trial) -> Observation:
    """What a trial that has ended tells the engine."""
    metric = trial.metrics.get(study.objective.metric)
    if trial.state in (TrialState.SUCCEEDED, TrialState.STOPPED) and metric is not None:
        return Observation(parameters=trial.parameters, outcome=Outcome.VALUE, metrics=(metric,))
    outcome = {TrialState.FAILED: Outcome.FAILED, TrialState.INFEASIBLE: Outcome.INFEASIBLE}
    return Observation(parameters=trial.parameters, outcome=outcome.get(trial.state, Outcome.UNKNOWN))


class Views:
    """The views a server holds, at most `max_trials` trials in all; the longest unused go first."""

    def __init__(self, ledger: Ledger, *, max_trials: int = 200_000) -> None:
        self._ledger = ledger
        self._max_trials = max_trials
        self._views: OrderedDict[StudyName, StudyView] = OrderedDict()
        self._sizes: dict[StudyName, int] = {}  # as last counted, of the views held; their sum is `_held`
        self._held = 0

    def peek(self, name: StudyName) -> StudyView | None:
        """The view as it is, however old; None when there is none."""
        return self._views.get(name)

    def drop(self, name: StudyName) -> None:
        """Forgets a study."""
        if self._views.pop(name, None) is not None:
            self._held -= self._sizes.pop(name)

    async def refresh(self, name: StudyName) -> tuple[StudyView, StudyDelta]:
        """Brings the view up to date in one round trip (more only at first, or far behind).

        Raises:
            NotFound: no such study.
        """
        view = self._views.get(name)
        if view is None:
            view = await self._load(name)
        delta = await self._ledger.read_delta(name, after=view.sequence, limit=PAGE, ready=True)
        if delta.head.epoch != view.head.epoch or delta.head.sequence < view.sequence:
            # Another study of the same name, or a store restored from a backup: start over.
            self.drop(name)
            view = await self._load(name)
            delta = await self._ledger.read_delta(name, after=view.sequence, limit=PAGE, ready=True)
        self._apply(view, delta)
        while delta.more:
            delta = await self._ledger.read_delta(name, after=view.sequence, limit=PAGE, ready=True)
            self._apply(view, delta)
        self._views[name] = view
        self._views.move_to_end(name)
        self._count(name, len(view.trials))
        return view, delta

    @staticmethod
    def _apply(view: StudyView, delta: StudyDelta) -> None:
        if delta.head.sequence >= view.head.sequence:
            view.head = delta.head
            view.ready = delta.ready
        for entry in delta.entries:
            view.apply(entry)

    async def _load(self, name: StudyName) -> StudyView:
        """Reads all trials by pages; what changes meanwhile comes with the log, which is read from the start on."""
        view = StudyView(await self._ledger.read_head(name))
        for first in range(1, view.head.last_number + 1, PAGE):
            numbers = range(first, min(first + PAGE, view.head.last_number + 1))
            for record in await self._ledger.read_trials(name, numbers=numbers):
                if record is not None:
                    view.put(record.trial, measurements=record.measurement_count)
        return view

    def _count(self, name: StudyName, size: int) -> None:
        """Notes the size of the view used last, and forgets others if all are too much."""
        self._held += size - self._sizes.get(name, 0)
        self._sizes[name] = size
        while self._held > self._max_trials and len(self._views) > 1:
            self.drop(next(iter(self._views)))
