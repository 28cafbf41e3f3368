"""How the results of a view stand among each other, and what its relative outcome constraints are relative to."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence

from asktell_server.domain.fidelity import is_at_target
from asktell_server.domain.front import standings_of
from asktell_server.domain.goals import Goals
from asktell_server.domain.standings import Standing, Standings, standing_of
from asktell_server.domain.study import Study
from asktell_server.domain.trial import Origin, Trial
from asktell_server.pace import in_pieces
from asktell_server.service.trial_book import TrialBook


class Ranking:
    """The standings of a view, by the goals of its study.

    `trials`, and the numbers of those that have `ended`, rising, are the view's own: it changes them, and says so here.
    `study` is set anew whenever the view has a newer one.
    """

    def __init__(self, study: Study, trials: TrialBook, ended: Sequence[int]) -> None:
        self.study = study
        self._trials = trials
        self._ended = ended
        self._goals: Goals | None = study.goals
        """With the values of the trial `_baseline`; None = to be found out."""
        self._baseline = study.baseline_trial
        self._ranked_by: Goals | None = study.goals
        """The goals by which `_standings` were put together; None = not known."""
        self._standings = standings_of(study.goals)
        self._ranking = asyncio.Lock()
        self._moved: set[int] | None = None
        """Numbers of trials that have changed since `rank` began; None while it is not at work."""
        self._imported: list[int] = []
        """Numbers of the imported trials that were measured, at the highest fidelity, rising: the first may be what constraints are relative to."""

    @property
    def goals(self) -> Goals:
        """The study's goals, with the values of its baseline trial put in where constraints are relative to one."""
        study = self.study
        if self._goals is None or self._baseline != study.baseline_trial:
            self._goals, self._baseline = _settled_goals(study, self._trials, self._imported), study.baseline_trial
        return self._goals

    @property
    def standings(self) -> Standings:
        """How the results stand among each other. Where `is_current` is false, this walks through all of them."""
        if self.goals != self._ranked_by:  # the baseline has changed, and with it what is feasible
            self._ranked_by, self._standings = self.goals, standings_of(self.goals)
            for number in self._ended:
                self._stand(self._trials[number])
        return self._standings

    @property
    def is_current(self) -> bool:
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
                    await asyncio.to_thread(standings.extend, known)
                    for number in self._moved:
                        standings.remove(number)
                        if (standing := self._standing(number, goals)) is not None:
                            standings.put(number, standing)
                    self._ranked_by, self._standings = goals, standings
            finally:
                self._moved = None

    def anew(self, ended: Sequence[int]) -> Ranking:
        """One of the same study and trials that knows no standings yet; `ended` are those that will take part."""
        ranking = Ranking(self.study, self._trials, ended)
        ranking._goals, ranking._baseline = self._goals, self._baseline
        ranking._ranked_by, ranking._standings = self._goals, standings_of(self._goals or self.study.goals)
        ranking._imported = self._imported
        return ranking

    def _standing(self, number: int, goals: Goals) -> Standing | None:
        trial = self._trials.get(number)
        return None if trial is None else self._standing_of(trial, goals)

    def _standing_of(self, trial: Trial, goals: Goals) -> Standing | None:
        """As `standing_of`; None below the highest fidelity, whose trials alone are compared."""
        return standing_of(trial, goals) if is_at_target(self.study.space, trial.parameters) else None

    def of(self, number: int) -> Standing | None:
        """How a trial stands, by the goals of the latest ranking; None when it does not."""
        return self._standings.of(number)

    def put(self, trial: Trial) -> None:
        """Takes in the result of a trial that has ended."""
        measured = self.study.goals.measured(trial.result) is not None
        if trial.origin is Origin.IMPORT and measured and is_at_target(self.study.space, trial.parameters):
            insort(self._imported, trial.number)
        self._stand(trial)

    def _stand(self, trial: Trial) -> None:
        if self._ranked_by is not None and (standing := self._standing_of(trial, self._ranked_by)) is not None:
            self._standings.put(trial.number, standing)

    def moved(self, trial: Trial) -> None:
        """Hears of a change of a trial: standings may be in the making, and constraints may be relative to it."""
        if self._moved is not None:
            self._moved.add(trial.number)
        if self.study.goals.is_relative and _may_be_baseline(self.study, trial):
            self._goals = None

    def remove(self, number: int) -> None:
        """Forgets the result of a trial."""
        place = bisect_left(self._imported, number)
        if self._imported[place : place + 1] == [number]:
            del self._imported[place]
        self._standings.remove(number)

    def restore(self, standings: Mapping[int, Standing]) -> None:
        """Takes in the standings of another view of the study, in the order of the numbers; there must be none yet."""
        self._imported = [number for number, (rank, imported, _) in standings.items() if imported and rank is not None]
        if self.study.goals.is_relative:
            self._goals = self._ranked_by = None  # nobody knows what they were relative to
        else:
            self._standings.extend(standings)


def _settled_goals(study: Study, trials: Mapping[int, Trial], imported: Sequence[int]) -> Goals:
    """The study's goals, with the values of its baseline trial put in where it has any."""
    if not study.goals.is_relative:
        return study.goals
    baseline = _baseline_of(study, trials, imported)
    return study.goals if baseline is None else study.goals.relative_to(baseline.metrics)


def _may_be_baseline(study: Study, trial: Trial) -> bool:
    """Whether a change of the trial may change what constraints are relative to."""
    if study.baseline_trial is not None:
        return trial.number == study.baseline_trial
    return trial.origin is Origin.IMPORT


def _baseline_of(study: Study, trials: Mapping[int, Trial], imported: Sequence[int]) -> Trial | None:
    if study.baseline_trial is not None:
        named = trials.get(study.baseline_trial)
        return named if named is not None and study.goals.measured(named.result) is not None else None
    return trials[imported[0]] if imported else None
