"""What a server remembers of a study between calls: a cache, never state.

A view follows the study's log, and any server can rebuild it: from the trials, or from a snapshot of another view
(`snapshots.py`) and the log after that.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right, insort
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from asktell_server.domain.front import standings_of
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Measurement
from asktell_server.domain.space import Configuration
from asktell_server.domain.standings import Standing, Standings, standing_of
from asktell_server.domain.study import Study
from asktell_server.domain.surprise import surprise
from asktell_server.domain.trial import Origin, Trial, TrialState
from asktell_server.engine.history import History
from asktell_server.engine.problem import Problem
from asktell_server.pace import in_pieces
from asktell_server.service.baseline import may_be_baseline, settled_goals
from asktell_server.service.curves import Curve, Curves
from asktell_server.service.observing import observation
from asktell_server.service.problems import problem_of
from asktell_server.service.trial_book import Packed, TrialBook
from asktell_server.store.protocol import (
    LogEntry,
    MeasurementReported,
    Prepared,
    StudyChanged,
    StudyDelta,
    StudyHead,
    TrialChanged,
    TrialDeleted,
)

_POINTS_PER_TRIAL = 128
"""Points of curves that take about as much memory as a trial, 2 kB."""
PART = 1000
"""Numbers of the trials of one part of a view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewPart:
    """What a view knows of the trials with PART consecutive numbers, as plain values.

    Attributes:
        trials: by number, rising.
        ended: numbers of those that have ended, rising; `history`, `surprises` and `standings` are in their order.
        measurements: how many each trial has reported, where it has.
        curves: by trial and metric.
    """

    trials: Mapping[int, Trial | Packed]
    ended: Sequence[int]
    history: Sequence[Sequence[Any]]
    surprises: Sequence[int]
    standings: Sequence[Standing | None]
    measurements: Mapping[int, int]
    curves: Mapping[int, Mapping[str, tuple[int, bytes, bytes]]]


class StudyView:
    """One study as of a position of its log: that of the head, unless another `sequence` is given."""

    def __init__(self, head: StudyHead, *, sequence: int | None = None) -> None:
        self.head = head
        self.sequence = head.sequence if sequence is None else sequence
        self.warm_start: bytes | None = None
        self.warm_start_sequence = 0
        self.ready: Sequence[Prepared] = ()
        self.snapshot_sequence = 0
        """The position of the newest snapshot that is known to be kept."""
        self.curves = Curves()
        self._trials = TrialBook()
        self._deleted: set[int] = set()
        self._measurements: dict[int, int] = {}
        self._ended: list[int] = []
        """Numbers of the trials that have ended, rising; in the order of `_history`."""
        self._history = problem_of(head.study).empty_history()
        self._surprises: dict[int, int] = {}
        self.surprise = 0
        """The sum of the surprises of the trials that have ended."""
        self._goals: Goals | None = head.study.goals
        """With the values of the trial `_baseline`; None = to be found out."""
        self._baseline = head.study.baseline_trial
        self._ranked_by: Goals | None = head.study.goals
        """The goals by which `_standings` were put together; None = not known."""
        self._standings = standings_of(head.study.goals)
        self._ranking = asyncio.Lock()
        self._moved: set[int] | None = None
        """Numbers of trials that have changed since `rank` began; None while it is not at work."""
        self._imported: list[int] = []
        """Numbers of the imported trials that were measured, rising: the first may be what constraints are relative to."""
        self._open: list[int] = []
        """Numbers of the trials that are queued or running, rising."""
        self._queued: list[int] = []
        """Those that are queued, rising."""
        self.newest = 0
        """The highest number of a trial that the view has heard of."""
        self._complete_at = self.sequence
        self._changed: dict[int, int] = {}
        """By part, the position of the last change that the log has brought since `_complete_at`."""

    @property
    def study(self) -> Study:
        """The study's own specification and state."""
        return self.head.study

    @property
    def goals(self) -> Goals:
        """The study's goals, with the values of its baseline trial put in where constraints are relative to one."""
        study = self.study
        if self._goals is None or self._baseline != study.baseline_trial:
            self._goals, self._baseline = settled_goals(study, self._trials, self._imported), study.baseline_trial
        return self._goals

    @property
    def problem(self) -> Problem:
        """What the engine is to optimise."""
        return problem_of(self.study, self.goals)

    @property
    def trials(self) -> Mapping[int, Trial]:
        """All trials by number."""
        return self._trials

    def between(self, first: int, last: int, *, states: Container[TrialState] = frozenset(TrialState)) -> list[Trial]:
        """The trials with the numbers from `first` to `last` that are in one of the states, in their order."""
        numbers = range(first, min(last, self.newest) + 1)
        versions = ((number, self._trials.version(number)) for number in numbers)
        return [self._trials[number] for number, version in versions if version is not None and version[1] in states]

    @property
    def standings(self) -> Standings:
        """How the results stand among each other. Where `is_ranked` is false, this walks through all of them."""
        if self.goals != self._ranked_by:  # the baseline has changed, and with it what is feasible
            self._ranked_by, self._standings = self.goals, standings_of(self.goals)
            for number in self._ended:
                self._stand(self._trials[number])
        return self._standings

    @property
    def is_ranked(self) -> bool:
        """Standings are by the goals as they are now."""
        return self.goals == self._ranked_by

    async def rank(self) -> None:
        """Ranks all results by the goals as they are now, in pieces: others have their turn, and may change the view meanwhile."""
        async with self._ranking:
            try:
                while (goals := self.goals) != self._ranked_by:
                    self._moved = set()
                    ended = tuple(self._ended)
                    ranked = await in_pieces(lambda number, by=goals: self._standing(number, by), ended)  # type: ignore[misc]
                    known = {
                        number: standing for number, standing in zip(ended, ranked, strict=True) if standing is not None
                    }
                    standings = standings_of(goals)
                    await asyncio.to_thread(_fill, standings, known)
                    for number in self._moved:
                        standings.remove(number)
                        if (standing := self._standing(number, goals)) is not None:
                            standings.put(number, standing)
                    self._ranked_by, self._standings = goals, standings
            finally:
                self._moved = None

    def _standing(self, number: int, goals: Goals) -> Standing | None:
        trial = self._trials.get(number)
        return None if trial is None else standing_of(trial, goals)

    def best(self, count: int) -> list[Trial]:
        """At most `count` of the best trials, or the Pareto front; see Standings."""
        return [self._trials[number] for number in self.standings.best(count)]

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
        known = self._trials.version(trial.number)
        if trial.number in self._deleted or (known is not None and known[0] >= trial.revision):
            return
        if known is None:
            self.newest = max(self.newest, trial.number)
        else:
            self._forget(trial.number, known[1])
        self._trials.put(trial)
        self._move(trial)
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
        if trial.origin is Origin.IMPORT and goals.measured(trial.result) is not None:
            insort(self._imported, trial.number)
        self._stand(trial)

    def _stand(self, trial: Trial) -> None:
        if self._ranked_by is not None and (standing := standing_of(trial, self._ranked_by)) is not None:
            self._standings.put(trial.number, standing)

    def _move(self, trial: Trial) -> None:
        """A trial has changed: standings may be in the making, and constraints may be relative to it."""
        if self._moved is not None:
            self._moved.add(trial.number)
        if self.study.goals.is_relative and may_be_baseline(self.study, trial):
            self._goals = None

    def remove(self, number: int) -> None:
        """Forgets a deleted trial, for good."""
        self._deleted.add(number)
        if (known := self._trials.version(number)) is not None:
            self._forget(number, known[1])
            self._move(self._trials[number])
            self._trials.pop(number)
        self._measurements.pop(number, None)
        self.curves.remove(number)

    def report(self, number: int, measurement: Measurement) -> None:
        """Takes in a measurement as it was written; the log will bring it once more."""
        if number not in self._deleted:
            self.curves.report(number, measurement)

    def _forget(self, number: int, state: TrialState) -> None:
        """Takes a version of a trial, which has the state, out of all that is kept by states."""
        if not state.is_open:
            place = bisect_left(self._ended, number)
            del self._ended[place]
            self._history.remove(place)
            self.surprise -= self._surprises.pop(number)
            place = bisect_left(self._imported, number)
            if self._imported[place : place + 1] == [number]:
                del self._imported[place]
            self._standings.remove(number)
            return
        _take_out(self._open, number)
        if state is TrialState.QUEUED:
            _take_out(self._queued, number)

    def follow(self, delta: StudyDelta) -> None:
        """Takes in what one read of the log has brought."""
        if delta.head.sequence >= self.head.sequence:
            self.head = delta.head
            self.ready = delta.ready
        for entry in delta.entries:
            self.apply(entry)

    def apply(self, entry: LogEntry) -> None:
        """Takes in one entry of the log."""
        change = entry.change
        match change:
            case TrialChanged(trial=trial):
                self._note_change(trial.number, entry)
                self.put(trial)
            case TrialDeleted(number=number):
                self._note_change(number, entry)
                self.remove(number)
            case MeasurementReported(number=number, index=index, measurement=measurement):
                self._note_change(number, entry)
                self._measurements[number] = max(index + 1, self.measurement_count(number))
                if entry.sequence > self.sequence:  # an earlier one is there, or has been replaced by a later one
                    self.report(number, measurement)
            case StudyChanged():
                pass  # the head of the same read is at least as new
        self.sequence = max(self.sequence, entry.sequence)

    def _note_change(self, number: int, entry: LogEntry) -> None:
        part = number // PART
        self._changed[part] = max(entry.sequence, self._changed.get(part, 0))

    @property
    def part_count(self) -> int:
        """How many parts there are; their indices begin at 0."""
        return self.newest // PART + 1

    def parts_changed(self, after: int) -> list[int]:
        """The parts that the log after this position has changed, or may have before the view was made."""
        return [index for index in range(self.part_count) if self._changed.get(index, self._complete_at) > after]

    def part(self, index: int) -> ViewPart:
        """The trials with the numbers from `index * PART` on."""
        first, last = index * PART, index * PART + PART - 1
        low, high = bisect_left(self._ended, first), bisect_right(self._ended, last)
        ended = self._ended[low:high]
        trials = self._trials.entries(first, last)
        return ViewPart(
            trials=trials,
            ended=ended,
            history=self._history.part(low, high),
            surprises=[self._surprises[number] for number in ended],
            standings=[self._standings.of(number) for number in ended],
            measurements={number: count for number in trials if (count := self.measurement_count(number))},
            curves={
                number: {metric: curve.packed() for metric, curve in curves.items()}
                for number in trials
                if (curves := self.curves.of(number))
            },
        )

    def restore(self, parts: Iterable[ViewPart]) -> None:
        """Takes in all parts of another view of the study, in their order; nothing must be here yet."""
        standings: dict[int, Standing] = {}
        for part in parts:
            self._trials.update(part.trials)
            self._ended += part.ended
            self._history.extend(part.history)
            self._surprises.update(zip(part.ended, part.surprises, strict=True))
            self._measurements.update(part.measurements)
            standings.update(
                (number, standing)
                for number, standing in zip(part.ended, part.standings, strict=True)
                if standing is not None
            )
            for number, curves in part.curves.items():
                for metric, curve in curves.items():
                    self.curves.restore(number, metric, Curve.unpacked(curve))
            for number in sorted(part.trials.keys() - set(part.ended)):
                self._open.append(number)
                if self._trials.unpack(number).state is TrialState.QUEUED:
                    self._queued.append(number)
        self._imported = [number for number, (rank, imported, _) in standings.items() if imported and rank is not None]
        self.newest = max(self._trials, default=0)
        self.surprise = sum(self._surprises.values())
        if self.study.goals.is_relative:
            self._goals = self._ranked_by = None  # nobody knows what they were relative to
        else:
            _fill(self._standings, standings)

    def pack(self, known: Mapping[int, Trial | Packed], packed: Mapping[int, Packed]) -> None:
        """Keeps trials that have ended in their packed form, where the view still has the versions `known` (see `part`)."""
        self._trials.replace(known, packed)


def _fill(standings: Standings, known: Mapping[int, Standing]) -> None:
    """Takes many into standings that are empty."""
    standings.extend(known, best_first=_best_first(known))


def _best_first(standings: Mapping[int, Standing]) -> list[int]:
    """Those with a rank by rank and number. NumPy sorts many times faster, and lets other threads run meanwhile."""
    numbers = [number for number, standing in standings.items() if standing.rank is not None]
    if not numbers:
        return numbers
    ranks = np.array([standings[number].rank for number in numbers], dtype=np.float64)
    order = np.lexsort((np.array(numbers), *ranks.T[::-1]))
    return [numbers[place] for place in order.tolist()]


def _take_out(numbers: list[int], number: int) -> None:
    del numbers[bisect_left(numbers, number)]
