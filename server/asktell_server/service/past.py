"""A study as it was: put together again from its log, entry by entry."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from asktell_server.domain.names import StudyName
from asktell_server.domain.provenance import Provenance
from asktell_server.domain.trial import Trial
from asktell_server.engine.tasks.suggest import SuggestTask
from asktell_server.service.log_pages import log_pages
from asktell_server.service.study_view import StudyView
from asktell_server.store.protocol import LogEntry, LogStore, MeasurementReported, StudyChanged, StudyHead


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The best trial, or with several objectives the Pareto front; and whether it keeps the outcome constraints."""

    trials: Sequence[Trial]
    feasible: bool


class Past:
    """The trials of a study after the entries taken in so far. Its space, objectives and algorithm never change."""

    def __init__(self, head: StudyHead) -> None:
        first = dataclasses.replace(head.study, reopenings=())  # the log brings them in turn
        self._view = StudyView(dataclasses.replace(head, study=first), sequence=0)

    @property
    def sequence(self) -> int:
        """The position in the log."""
        return self._view.sequence

    @property
    def results(self) -> int:
        """How many trials have ended, of those that count in full."""
        return self._view.results

    def knows(self, number: int) -> bool:
        """Whether the trial exists by now."""
        return number in self._view.trials

    @property
    def best(self) -> Best:
        """The best trial, or the Pareto front."""
        best = self._view.best(1)
        return Best(trials=best, feasible=self._view.is_feasible(best))

    def apply(self, entry: LogEntry) -> bool:
        """Takes in the next entry; whether it may have changed what a task knows."""
        if isinstance(entry.change, StudyChanged):
            self._view.head = dataclasses.replace(self._view.head, study=entry.change.study)
        self._view.apply(entry)
        return not isinstance(entry.change, MeasurementReported)

    def task(self, provenance: Provenance) -> SuggestTask:
        """The task that a server had from here, as far as its provenance says."""
        study = self._view.study
        also_pending = map(study.space.configuration, provenance.prepared_pending)
        return SuggestTask(
            problem=self._view.problem,
            history=self._view.history(),
            pending=[*self._view.pending(), *also_pending],
            count=provenance.count,
            seed=study.seed,
            warm_start=provenance.warm_start,
            cost_exponent=provenance.cost_exponent,
            fixed=provenance.fixed,
            earlier=self._view.earlier,
        )


async def read_log(ledger: LogStore, name: StudyName) -> AsyncIterator[LogEntry]:
    """All entries of the log so far, oldest first. Raises NotFound."""
    async for page in log_pages(ledger, name):
        for entry in page.entries:
            yield entry
