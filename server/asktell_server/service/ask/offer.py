"""What a study can give to asks, worked out once from a view: all parts of an ask's way go by this one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asktell_server.domain.fixing import has_values
from asktell_server.domain.space import Configuration, configuration_digest
from asktell_server.domain.study import Study, StudyState
from asktell_server.domain.surprise import WHOLE_SURPRISE
from asktell_server.domain.trial import TrialState
from asktell_server.service.study_view import StudyView
from asktell_server.store.protocol import MAX_READY, UP_TO_DATE, Prepared, StalenessLimit

FEW_RUNNING = 6
"""With fewer trials in flight a suggestion knows all results: about eight workers, less those that ask just now."""
RUNNING_PER_STALE = 16
"""So many more allow one unexpected result that a suggestion does not know (both measured: docs/engine.md)."""
UNLIMITED = 1_000_000_000
"""Stands for a number of trials without a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a study can give, as a view knew it at one moment; the view may move on.

    Attributes:
        can_skip_reading: a commit's own checks are enough. Rules that look at results or clocks want a read.
        limit: how stale a prepared suggestion may be when it is started.
        ready: the prepared suggestions that may be started, the oldest first.
        stale: those that are staler than `limit` allows.
        depth: how many suggestions to prepare at most. Where every ask follows a tell, one with more than `limit`
            allows before it would be stale when its turn comes.
        open: how many trials are queued or running.
        startable: how many trials may be started before the limit of running trials is reached.
        budget: how many new trials the budget has left.
        known_number: the trial that was given its number last.
        trials: how many trials there are.
        pending: how many of them are queued or running, as the view knows them.
    """

    study: Study
    epoch: str
    can_skip_reading: bool
    limit: StalenessLimit
    ready: Sequence[Prepared]
    stale: Sequence[Prepared]
    depth: int
    open: int
    startable: int
    budget: int
    known_number: int
    trials: int
    pending: int

    @classmethod
    def of(cls, view: StudyView) -> Offer:
        """What the study of the view can give now."""
        head, study = view.head, view.study
        limit = _staleness_limit(study, view)
        fresh: list[Prepared] = []
        stale: list[Prepared] = []
        for prepared in view.ready:
            (fresh if limit.allows(prepared, view) else stale).append(prepared)
        running = head.counts.get(TrialState.RUNNING, 0)
        most_running, budget, size = study.max_running_trials, study.stopping.max_trials, study.space.cardinality
        if study.replicates == 1 or size is None or len(fresh) <= size - len(view.trials):
            fresh = _without_doubles(fresh, view)
        return cls(
            study=study,
            epoch=head.epoch,
            can_skip_reading=_can_skip_reading(study),
            limit=limit,
            ready=fresh,
            stale=stale,
            depth=min(MAX_READY, limit.results + 1),
            open=running + head.counts.get(TrialState.QUEUED, 0),
            startable=most_running - running if most_running else UNLIMITED,
            budget=UNLIMITED if budget is None else budget - head.charged,
            known_number=head.last_number,
            trials=len(view.trials),
            pending=view.open,
        )

    def untried(self, fixed: Configuration) -> int:
        """How many configurations with the fixed values no trial has, at least."""
        size = self.study.space.count(fixed)
        return UNLIMITED if size is None else size - self.trials

    def unoccupied(self, fixed: Configuration) -> int:
        """How many configurations with the fixed values no trial that is queued or running has, at least."""
        size = self.study.space.count(fixed)
        return UNLIMITED if size is None else size - self.pending

    def ready_for(self, fixed: Configuration) -> Sequence[Prepared]:
        """The prepared suggestions that an ask with the fixed values may have."""
        return [prepared for prepared in self.ready if serves(prepared, fixed)]

    def wants_another(self, depth: int, fixed: Configuration) -> bool:
        """Whether to prepare one more suggestion with the fixed values, for `depth` in all.

        It must be able to become a trial: within the budget, and different from all others.
        """
        return len(self.ready_for(fixed)) < depth and len(self.ready) < min(MAX_READY, self.budget, self.untried({}))


def serves(prepared: Prepared, fixed: Configuration) -> bool:
    """Whether an ask with the fixed values may have a prepared suggestion.

    It must have the values, and must not have been looked for among fewer configurations than the ask allows.
    """
    provenance = prepared.trial.provenance
    return has_values(prepared.trial.parameters, fixed) and (provenance is None or has_values(fixed, provenance.fixed))


def may_prepare(study: Study) -> bool:
    """Whether the study may need a model; others are answered within a millisecond anyway."""
    return study.state is StudyState.ACTIVE and study.algorithm.prepares_ahead


def _can_skip_reading(study: Study) -> bool:
    rules = study.stopping
    return (
        study.state is StudyState.ACTIVE
        and rules.target_value is None
        and rules.patience_trials is None
        and rules.deadline is None
        and rules.min_expected_gain is None
    )


def _staleness_limit(study: Study, view: StudyView) -> StalenessLimit:
    """How far the study may move on between the making of a suggestion and its start.

    Where the study does not say: a few workers always get what the last result led to. With more in flight, results
    as they were predicted make little difference, since a suggestion was made in the belief in the prediction; and the
    more run, the less one that was not matters.
    """
    if (most := study.max_staleness) is not None:
        return StalenessLimit(ended=most)
    running = view.running
    if running < FEW_RUNNING:
        return UP_TO_DATE
    return StalenessLimit(surprise=WHOLE_SURPRISE * (running // RUNNING_PER_STALE + 1) - 1)


def _without_doubles(fresh: list[Prepared], view: StudyView) -> list[Prepared]:
    """Without those whose very configuration somebody has enqueued, imported or started since."""
    if not fresh:
        return fresh
    taken = {configuration_digest(parameters) for parameters in view.pending()}

    def is_new(prepared: Prepared) -> bool:
        digest = configuration_digest(prepared.trial.parameters)
        later = view.between(prepared.known_number + 1, view.newest)
        return digest not in taken and all(configuration_digest(trial.parameters) != digest for trial in later)

    return [prepared for prepared in fresh if is_new(prepared)]
