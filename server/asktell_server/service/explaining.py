"""Why a trial was suggested: what the engine knew and believed, and whether it would suggest the same again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from asktell_server.domain.errors import trial_not_found
from asktell_server.domain.names import TrialName
from asktell_server.domain.provenance import Provenance
from asktell_server.domain.study import Study
from asktell_server.domain.trial import Trial
from asktell_server.engine.bayes.fitted import noise_deviations
from asktell_server.engine.earlier import with_earlier
from asktell_server.engine.observations import Outcome
from asktell_server.engine.problem import Suggestion
from asktell_server.engine.tasks.suggest import SuggestTask
from asktell_server.service.past import Best, Past, read_log
from asktell_server.store.protocol import LogStore, StudyStore, TrialStore

_MOST_MOMENTS = 200
"""Positions of the log, from the one recorded on, at which the task is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What the engine knew.

    Attributes:
        exact: the history is the very one that the engine had; None = it left no digest, so nobody can tell.
        values: results with a value of the objective; `failures`: failed and infeasible ones; `pending`: trials in flight.
        best: the best trials among them.
        noise: by metric the standard deviation of one observation, in its unit, as the model fitted it.
        created: position of the log at which the trial came to be.
        missed: results that came between; a suggestion that was prepared, or took long, did not know them.
    """

    sequence: int
    exact: bool | None
    values: int
    failures: int
    pending: int
    best: Best
    noise: Mapping[str, float]
    created: int
    missed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """What the engine says to the same task now. `suggestion` None = it says nothing (the grid ends sooner)."""

    suggestion: Suggestion | None
    fallback_reason: str

    def repeats(self, trial: Trial) -> bool:
        """The same configuration, from the same origin."""
        again = self.suggestion
        return again is not None and again.parameters == trial.parameters and again.origin is trial.origin

    def differences(self, trial: Trial) -> Iterator[tuple[str, object, object]]:
        """What differs: its name, what was suggested, what is suggested now."""
        again = self.suggestion
        if again is None:
            yield "suggestion", "one", "none"
            return
        if again.origin is not trial.origin:
            yield "origin", trial.origin.value, again.origin.value
        for name, value in trial.parameters.items():
            if again.parameters.get(name) != value:
                yield name, value, again.parameters.get(name)
        if trial.prediction is not None and again.prediction is not None:
            for metric, now in again.prediction.beliefs.items():
                yield from _changed(
                    trial.prediction.belief(metric),
                    now,
                    ("mean", "standard_deviation"),
                    of=f"{metric}." if len(again.prediction.beliefs) > 1 else "",
                )
            yield from _changed(trial.prediction, again.prediction, ("acquisition_value",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A trial, its study, what the engine knew and what it says again (None = not known, or not asked for)."""

    name: TrialName
    study: Study
    trial: Trial
    knowledge: Knowledge | None = None
    repetition: Repetition | None = None

    @property
    def deviations(self) -> Mapping[str, float]:
        """How far values lie above their predicted means, in standard deviations of a predicted observation.

        By metric, in the order of the study's goals; those are left out for which nobody can tell.
        """
        goals, prediction = self.study.goals, self.trial.prediction
        measured = goals.measured(self.trial.result)
        if prediction is None or measured is None:
            return {}
        noises = self.knowledge.noise if self.knowledge else {}
        deviations = {}
        for name, metric in zip(goals.metrics, measured, strict=True):
            if (belief := prediction.belief(name)) is None:
                continue
            variance = belief.standard_deviation**2 + noises.get(name, 0.0) ** 2 + (metric.standard_error or 0.0) ** 2
            if variance > 0:
                deviations[name] = (metric.value - belief.mean) / variance**0.5
        return deviations


class _Store(StudyStore, TrialStore, LogStore, Protocol):
    """The parts of the ledger that are needed here."""


class Explaining:
    """The use case explain. Runs the engine in this process: not for a server's event loop."""

    def __init__(self, ledger: _Store) -> None:
        self._ledger = ledger

    async def explain(self, name: TrialName, *, repeat: bool) -> Explanation:
        """Explains a trial; with `repeat` the engine suggests once more.

        Raises:
            NotFound: no such study or trial.
        """
        head = await self._ledger.read_head(name.study)
        (record,) = await self._ledger.read_trials(name.study, numbers=[name.number])
        if record is None:
            raise trial_not_found(str(name))
        trial, provenance = record.trial, record.trial.provenance
        if provenance is None:
            return Explanation(name=name, study=head.study, trial=trial)
        past = Past(head)
        moments: list[_Moment] = []
        async for entry in read_log(self._ledger, name.study):
            if entry.sequence > provenance.sequence and not moments:
                moments.append(_Moment.of(past, provenance))
            changed = past.apply(entry)
            if past.knows(name.number):
                break
            if moments and changed and len(moments) < _MOST_MOMENTS:
                moments.append(_Moment.of(past, provenance))
        moment, exact = _the_moment(moments, trial, provenance)
        return Explanation(
            name=name,
            study=head.study,
            trial=trial,
            knowledge=_knowledge(moment, trial, exact=exact, created=past),
            repetition=_repeat(moment.task, provenance.index) if repeat else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    """What a server knew at a position of the log."""

    sequence: int
    task: SuggestTask
    best: Best

    @staticmethod
    def of(past: Past, provenance: Provenance) -> _Moment:
        """Where the past stands now."""
        return _Moment(sequence=past.sequence, task=past.task(provenance), best=past.best)


def _the_moment(moments: list[_Moment], trial: Trial, provenance: Provenance) -> tuple[_Moment, bool | None]:
    """The one of the suggestion, and whether that is certain: a server may know more than what it has read last."""
    if provenance.digest:
        for moment in moments:
            if moment.task.history.digest(moment.task.pending) == provenance.digest:
                return moment, True
        return moments[0], False
    for moment in moments:  # no model: a repetition takes about a millisecond
        if _repeat(moment.task, provenance.index).repeats(trial):
            return moment, None
    return moments[0], None


def _changed(
    before: object, now: object, names: tuple[str, ...], *, of: str = ""
) -> Iterator[tuple[str, object, object]]:
    """The numbers of a prediction that differ: name, then and now."""
    for name in names:
        then, again = getattr(before, name, None), getattr(now, name)
        if then != again:
            yield f"prediction.{of}{name}", then, again


def _repeat(task: SuggestTask, index: int) -> Repetition:
    result = task.run()
    suggestions = result.suggestions
    return Repetition(
        suggestion=suggestions[index] if index < len(suggestions) else None, fallback_reason=result.fallback_reason
    )


def _knowledge(moment: _Moment, trial: Trial, *, exact: bool | None, created: Past) -> Knowledge:
    task = moment.task
    history = task.history
    provenance = trial.provenance
    fits = provenance.fits if provenance else ()
    return Knowledge(
        sequence=moment.sequence,
        exact=exact,
        values=history.count(Outcome.VALUE),
        failures=history.count(Outcome.FAILED) + history.count(Outcome.INFEASIBLE),
        pending=len(task.pending),
        best=moment.best,
        noise=noise_deviations(with_earlier(task) if provenance and provenance.informed else task, fits),
        created=created.sequence,
        missed=max(0, created.results - len(history)),
    )
