"""What a server remembers of a study between calls: a cache, never state.

A view follows the study's log, and any server can rebuild it: from the trials, or from a snapshot of another view
(`snapshots.py`) and the log after that.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Container, Iterable, Mapping, Sequence

from asktell_server.domain.fidelity import is_at_target
from asktell_server.domain.fixing import has_values
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Measurement, Metrics
from asktell_server.domain.reopening import Reopening, group_of, weights
from asktell_server.domain.space import Configuration
from asktell_server.domain.standings import Standing, Standings
from asktell_server.domain.study import Study
from asktell_server.domain.surprise import surprise
from asktell_server.domain.trial import Trial, TrialState
from asktell_server.engine.earlier import Earlier
from asktell_server.engine.history import History
from asktell_server.engine.problem import Problem
from asktell_server.engine.promotions import best_of_highest
from asktell_server.pace import in_pieces
from asktell_server.service.curves import Curve, Curves
from asktell_server.service.early_stopper import EarlyStopper
from asktell_server.service.forecasting import Forecasts
from asktell_server.service.former import Former, cost_of
from asktell_server.service.observing import earlier_of, observation
from asktell_server.service.problems import problem_of
from asktell_server.service.ranking import Ranking
from asktell_server.service.trial_book import Shelf, TrialBook
from asktell_server.service.view_parts import PartChanges, ViewPart, numbers_of, part_count
from asktell_server.store.protocol import (
    LogEntry,
    MeasurementReported,
    Prepared,
    StudyChanged,
    StudyDelta,
    StudyHead,
    TrialChanged,
    TrialDeleted,
    TrialRecord,
)

_POINTS_PER_TRIAL = 128
"""Points of curves that take about as much memory as a trial, 2 kB."""


class StudyView:
    """One study as of a position of its log: that of the head, unless another `sequence` is given."""

    def __init__(self, head: StudyHead, *, sequence: int | None = None) -> None:
        self._head = head
        self.sequence = head.sequence if sequence is None else sequence
        self.warm_start: bytes | None = None
        self.warm_start_sequence = 0
        self.ready: Sequence[Prepared] = ()
        self.snapshot_sequence = 0
        """From which position on changes count toward the next snapshot: that of the newest one known, or a later one."""
        self.curves = Curves()
        self._forecasts = Forecasts(self.curves, self._finals)
        self._stopper = EarlyStopper(self.curves, self._forecasts)
        self._trials = TrialBook()
        self._deleted: set[int] = set()
        self._measurements: dict[int, int] = {}
        self._ended: list[int] = []
        """Numbers of the trials that have ended, rising; in the order of `_history`."""
        self._history = problem_of(head.study).empty_history()
        self._former = Former()
        """Results of data that has changed since; `_ended`, `_history` and the standings are of those that count in full."""
        self._reopenings: Sequence[Reopening] = ()
        self._late: dict[int, int] = {}
        """The data epochs of trials that have ended, where it is not the first."""
        self._surprises: dict[int, int] = {}
        self.surprise = 0
        """The sum of the surprises of the trials that have ended."""
        self._ranking = Ranking(head.study, self._trials, self._ended)
        self._open: list[int] = []
        """Numbers of the trials that are queued or running, rising."""
        self._queued: list[int] = []
        """Those that are queued, rising."""
        self.newest = 0
        """The highest number of a trial that the view has heard of."""
        self._part_changes = PartChanges(self.sequence)
        self._earlier: tuple[Earlier, ...] | None = None
        self._follow_reopenings(head.study)

    @property
    def head(self) -> StudyHead:
        """The study's head, as last heard of."""
        return self._head

    @head.setter
    def head(self, head: StudyHead) -> None:
        self._head = head
        self._ranking.study = head.study
        self._follow_reopenings(head.study)

    @property
    def study(self) -> Study:
        """The study's own specification and state."""
        return self.head.study

    @property
    def goals(self) -> Goals:
        """The study's goals, with the values of its baseline trial put in where constraints are relative to one."""
        return self._ranking.goals

    @property
    def problem(self) -> Problem:
        """What the engine is to optimise."""
        return problem_of(self.study, self.goals)

    @property
    def total_cost(self) -> float:
        """What the trials that say so have cost, by the study's cost metric, which there is."""
        return cost_of([self._history, *self._former.histories])

    @property
    def trials(self) -> Mapping[int, Trial]:
        """All trials by number."""
        return self._trials

    def between(self, first: int, last: int) -> list[Trial]:
        """The trials with the numbers from `first` to `last`, in their order."""
        return [self._trials[number] for number in self.numbers(first, last)]

    def numbers(self, first: int, last: int, *, states: Container[TrialState] = frozenset(TrialState)) -> list[int]:
        """The numbers from `first` to `last` of trials that are in one of the states, rising."""
        numbers = range(first, min(last, self.newest) + 1)
        versions = ((number, self._trials.version(number)) for number in numbers)
        return [number for number, version in versions if version is not None and version[1] in states]

    @property
    def standings(self) -> Standings:
        """How the results stand among each other. Where `is_ranked` is false, this walks through all of them."""
        return self._ranking.standings

    @property
    def is_ranked(self) -> bool:
        """Standings are by the goals as they are now."""
        return self._ranking.is_current

    async def rank(self) -> None:
        """Ranks all results by the goals as they are now, in pieces: others have their turn, and may change the view meanwhile."""
        await self._ranking.rank()

    @property
    def latest_standings(self) -> Standings:
        """Those of the newest data that there is a result of: a study that was reopened keeps its best trial until it has another."""
        return self.standings if self.standings.best(1) else self._former.standings or self.standings

    def best_numbers(self, count: int) -> Sequence[int]:
        """The numbers of at most `count` of the best trials, or of the Pareto front; see Standings.

        While none has run the whole, in a space with a fidelity, those of the best at the highest fidelity that there is. While there
        is no result on the present data, those of the former.
        """
        best = self.standings.best(count)
        if not best and self.study.space.fidelity is not None:
            best = [self._ended[place] for place in best_of_highest(self.goals, self._history, count)]
        return best or self.latest_standings.best(count)

    def best(self, count: int) -> list[Trial]:
        """The trials of `best_numbers`."""
        return [self._trials[number] for number in self.best_numbers(count)]

    def is_feasible(self, trials: Iterable[Trial]) -> bool:
        """Whether the trials keep the outcome constraints, by the goals as they are now; they do while there are none."""
        return not any(self.goals.violation(trial.result) for trial in trials)

    def measurement_count(self, number: int) -> int:
        """How many measurements the trial has reported."""
        return self._measurements.get(number, 0)

    def record(self, trial: Trial) -> TrialRecord:
        """A trial of the view as calls answer with it."""
        return TrialRecord(trial=trial, measurement_count=self.measurement_count(trial.number))

    @property
    def size(self) -> int:
        """How much memory the view takes, in trials."""
        return len(self._trials) + self.curves.points // _POINTS_PER_TRIAL

    def queued(self, count: int) -> list[Trial]:
        """The first `count` QUEUED trials by number: those given back come before those enqueued later."""
        return [self._trials[number] for number in self._queued[:count]]

    def queued_with(self, wanted: Iterable[Configuration], count: int) -> list[Trial]:
        """The first QUEUED trials by number that have one of the wanted fixed values: `count` of each of them, or all there are.

        A trial that has several of them counts for each.
        """
        left: list[tuple[Configuration, int]] = []
        for fixed in wanted:
            if count and all(fixed != other for other, _ in left):
                left.append((fixed, count))
        found = []
        for number in self._queued if left else ():
            trial = self._trials[number]
            fitting = [has_values(trial.parameters, fixed) for fixed, _ in left]
            if any(fitting):
                found.append(trial)
                left = [(fixed, more - fits) for (fixed, more), fits in zip(left, fitting, strict=True) if more > fits]
            if not left:
                break
        return found

    def pending(self) -> list[Configuration]:
        """Configurations that are queued or running, in the order of the numbers."""
        return [self._trials[number].parameters for number in self._open]

    def history(self) -> History:
        """Everything that was tried on the present data and has ended by now, in the order of the numbers; the view moves on without it."""
        return self._history.snapshot()

    @property
    def earlier(self) -> tuple[Earlier, ...]:
        """What the study's parents had found, and what the study had on data that has changed since."""
        if self._earlier is None:
            former = self._former.earlier(self.study.goals, weights(self._reopenings))
            self._earlier = (*earlier_of(self.study), *former)
        return self._earlier

    def ended_numbers(self) -> Sequence[int]:
        """The numbers of the trials of `history`, in its order; the view moves on without them."""
        return tuple(self._ended)

    @property
    def ended(self) -> int:
        """How many trials have ended."""
        return len(self._ended) + self._former.results

    @property
    def results(self) -> int:
        """How many of them `history` has."""
        return len(self._ended)

    @property
    def open(self) -> int:
        """How many trials are queued or running."""
        return len(self._open)

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
        self._ranking.moved(trial)
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
        if trial.data_epoch > 1:
            self._late[trial.number] = trial.data_epoch
        group = group_of(self._reopenings, trial.data_epoch)
        if group < len(self._former):
            observed = observation(goals, trial.parameters, trial.result, trial.expected_metrics)
            self._former.insert(group, trial, observed)
            self._earlier = None
            self._surprises[trial.number] = surprise(trial, goals)
            self.surprise += self._surprises[trial.number]
            return
        place = bisect_left(self._ended, trial.number)
        self._ended.insert(place, trial.number)
        self._history.insert(place, observation(goals, trial.parameters, trial.result, trial.expected_metrics))
        self._surprises[trial.number] = surprise(trial, goals)
        self.surprise += self._surprises[trial.number]
        self._ranking.put(trial)
        if trial.state is TrialState.SUCCEEDED and is_at_target(self.study.space, trial.parameters):
            self._forecasts.ended(trial.number, trial.metrics, goals.metrics)

    def _follow_reopenings(self, study: Study) -> None:
        """Lets what has been the present group of results be a former one, where the study's data has changed since."""
        if len(study.reopenings) <= len(self._reopenings):
            return
        self._reopenings = study.reopenings
        while len(self._former) < study.former_groups:
            ended = self._ended
            self._former.push(ended, self._history, self._ranking)
            self._ended, self._history = [], problem_of(study).empty_history()
            self._forecasts.forget()
            self._ranking = self._ranking.anew(self._ended)
            self._earlier = None
            # Whoever has told a result on new data may have been heard of before the reopening.
            ahead = [
                number for number in ended if group_of(self._reopenings, self._late.get(number, 1)) >= len(self._former)
            ]
            for number in ahead:
                trial = self._trials[number]
                self._forget(number, trial.state)
                self._end(trial)

    def remove(self, number: int) -> None:
        """Forgets a deleted trial, for good."""
        self._deleted.add(number)
        if (known := self._trials.version(number)) is not None:
            self._forget(number, known[1])
            self._ranking.moved(self._trials[number])
            self._trials.pop(number)
        self._measurements.pop(number, None)
        self.curves.remove(number)
        self._stopper.forget()
        self._forecasts.remove(number)

    def report(self, number: int, measurement: Measurement) -> None:
        """Takes in a measurement as it was written; the log will bring it once more."""
        if number not in self._deleted:
            self._stopper.report(number, measurement)

    def stop_reason(self, number: int, measurement: Measurement) -> str:
        """Why the trial should stop that is about to report this, by the study's early-stopping rules; empty = it goes on."""
        return self._stopper.reason(self.study, number, measurement)

    def expected(self, trial: Trial) -> Metrics:
        """What the trial, which was stopped, is expected to have come to: of the goals' metrics those it has a curve of.

        Nothing below the highest fidelity: how those at the highest went on does not say how it would have ended.
        """
        if not is_at_target(self.study.space, trial.parameters):
            return {}
        return self._forecasts.expected(trial.number, trial.metrics, self.study.goals.metrics)

    def _finals(self, metric: str) -> dict[int, float]:
        """The results of a metric of all trials that have succeeded: of a goal as told, of any other metric as last reported.

        Only those at the highest fidelity: others have run less, and their results are no ends of whole curves.
        """
        numbers = [number for number in self._ended if self._state(number) is TrialState.SUCCEEDED]
        if (space := self.study.space).fidelity is not None:
            numbers = [number for number in numbers if is_at_target(space, self._trials[number].parameters)]
        if metric in (goals := self.study.goals.metrics):
            values = dict(zip(self._ended, self._history.values[:, goals.index(metric)].tolist(), strict=True))
            return {number: values[number] for number in numbers}
        curves = ((number, self.curves.of(number).get(metric)) for number in numbers)
        return {number: curve.values[-1] for number, curve in curves if curve is not None}

    def _state(self, number: int) -> TrialState | None:
        version = self._trials.version(number)
        return None if version is None else version[1]

    def _forget(self, number: int, state: TrialState) -> None:
        """Takes a version of a trial, which has the state, out of all that is kept by states."""
        if not state.is_open:
            self.surprise -= self._surprises.pop(number)
            self._late.pop(number, None)
            place = bisect_left(self._ended, number)
            if self._ended[place : place + 1] != [number]:
                self._former.remove(number)
                self._ranking.remove(number)
                self._earlier = None
                return
            del self._ended[place]
            self._history.remove(place)
            self._forecasts.remove(number)
            self._ranking.remove(number)
            return
        _take_out(self._open, number)
        if state is TrialState.QUEUED:
            _take_out(self._queued, number)

    async def follow(self, delta: StudyDelta) -> None:
        """Takes in what one read of the log has brought, in pieces: others may follow or change the view meanwhile.

        The head comes last, since whoever looks at it counts on all trials up to it.
        """
        await in_pieces(self.apply, delta.entries)
        if delta.head.sequence >= self.head.sequence:
            self.head = delta.head
            self.ready = delta.ready

    def apply(self, entry: LogEntry) -> None:
        """Takes in one entry of the log."""
        change = entry.change
        match change:
            case TrialChanged(trial=trial):
                self._part_changes.note(trial.number, entry.sequence)
                self.put(trial)
            case TrialDeleted(number=number):
                self._part_changes.note(number, entry.sequence)
                self.remove(number)
            case MeasurementReported(number=number, index=index, measurement=measurement):
                self._part_changes.note(number, entry.sequence)
                self._measurements[number] = max(index + 1, self.measurement_count(number))
                if entry.sequence > self.sequence:  # an earlier one is there, or has been replaced by a later one
                    self.report(number, measurement)
            case StudyChanged(study=study):
                self._follow_reopenings(study)  # else the head of the same read, at least as new, is enough
        self.sequence = max(self.sequence, entry.sequence)

    @property
    def part_count(self) -> int:
        """How many parts there are; their indices begin at 0."""
        return part_count(self.newest)

    def parts_changed(self, after: int) -> list[int]:
        """The parts that the log after this position has changed, or may have before the view was made."""
        return self._part_changes.after(after, self.part_count)

    def part(self, index: int) -> ViewPart:
        """What is known of the trials whose numbers are in a part."""
        first, last = numbers_of(index)
        low, high = bisect_left(self._ended, first), bisect_right(self._ended, last)
        ended = self._ended[low:high]
        trials = self._trials.entries(first, last)
        return ViewPart(
            trials=trials,
            ended=ended,
            history=self._history.part(low, high),
            surprises=[self._surprises[number] for number in ended],
            standings=[self._ranking.of(number) for number in ended],
            measurements={number: count for number in trials if (count := self.measurement_count(number))},
            curves={
                number: {metric: curve.packed() for metric, curve in curves.items()}
                for number in trials
                if (curves := self.curves.of(number))
            },
        )

    def restore(self, parts: Iterable[ViewPart]) -> None:
        """Takes in all parts of another view of the study, in their order; nothing must be here yet."""
        standings: dict[int, Standing | None] = {}
        for part in parts:
            self._trials.update(part.trials)
            self._ended += part.ended
            self._history.extend(part.history)
            self._surprises.update(zip(part.ended, part.surprises, strict=True))
            self._measurements.update(part.measurements)
            standings.update(zip(part.ended, part.standings, strict=True))
            for number, curves in part.curves.items():
                for metric, curve in curves.items():
                    self.curves.restore(number, metric, Curve.unpacked(curve))
            for number in sorted(part.trials.keys() - set(part.ended)):
                self._open.append(number)
                if self._trials.unpack(number).state is TrialState.QUEUED:
                    self._queued.append(number)
        self.newest = max(self._trials, default=0)
        self.surprise = sum(self._surprises.values())
        self._ranking.restore({number: known for number, known in standings.items() if known is not None})

    def pack(self, known: Mapping[int, Trial | Shelf], shelves: Iterable[Shelf]) -> None:
        """Keeps trials that have ended on shelves, where the view still has the versions `known` (see `part`)."""
        self._trials.replace(known, shelves)


def _take_out(numbers: list[int], number: int) -> None:
    del numbers[bisect_left(numbers, number)]
