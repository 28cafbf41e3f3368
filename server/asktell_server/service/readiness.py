"""Which prepared suggestions an ask may use, and for which studies it pays to prepare any."""

from __future__ import annotations

from collections.abc import Sequence

from asktell_server.domain.algorithm import Auto, Bayesian
from asktell_server.domain.news import RESULT
from asktell_server.domain.space import configuration_digest
from asktell_server.domain.study import Study, StudyState
from asktell_server.service.views import StudyView
from asktell_server.store.protocol import Prepared, StalenessLimit

FEW_RUNNING = 6
"""With fewer trials in flight a suggestion knows all results: about eight workers, less those that ask just now."""
RUNNING_PER_STALE = 16
"""So many more allow one unexpected result that a suggestion does not know (both measured: docs/engine.md)."""


def staleness_limit(view: StudyView) -> StalenessLimit:
    """How much may be told between the making of a suggestion and its start.

    Where the study does not say: a few workers always get what the last result led to. With more in flight, results
    as they were predicted make little difference, since a suggestion was made in the belief in the prediction; and the
    more run, the less one that was not matters.
    """
    if (most := view.study.max_staleness) is not None:
        return StalenessLimit(ended=most)
    if view.running < FEW_RUNNING:
        return StalenessLimit(ended=0)
    return StalenessLimit(surprise=RESULT * (view.running // RUNNING_PER_STALE + 1) - 1)


def usable(view: StudyView, limit: StalenessLimit) -> list[Prepared]:
    """What is prepared, fresh and still new, the oldest first."""
    fresh = [prepared for prepared in view.ready if limit.allows(prepared, view)]
    if not fresh or not must_differ(view.study, len(view.trials) + len(fresh)):
        return fresh
    running = {configuration_digest(parameters) for parameters in view.pending()}
    return [prepared for prepared in fresh if not _has_double(view, prepared, running)]


def can_skip_reading(study: Study) -> bool:
    """Whether a commit's own checks are enough: rules that look at results or clocks want a read."""
    rules = study.stopping
    return (
        study.state is StudyState.ACTIVE
        and rules.target_value is None
        and rules.patience_trials is None
        and rules.deadline is None
    )


def may_prepare(study: Study) -> bool:
    """Whether the study may need a model; others are answered within a millisecond anyway."""
    return study.state is StudyState.ACTIVE and isinstance(study.algorithm, Auto | Bayesian)


def budget_left(view: StudyView, ready: Sequence[Prepared]) -> bool:
    """Whether one more could become a trial: within the budget, and different from all others."""
    budget = view.study.stopping.max_trials
    return (budget is None or view.head.charged + len(ready) < budget) and has_room(
        view.study, len(view.trials) + len(ready) + 1
    )


def must_differ(study: Study, count: int) -> bool:
    """Whether no two of so many trials may share a configuration: only replicates may, and only where there is no other."""
    return study.replicates == 1 or has_room(study, count)


def has_room(study: Study, count: int) -> bool:
    """Whether the space has so many configurations."""
    cardinality = study.space.cardinality
    return cardinality is None or cardinality >= count


def _has_double(view: StudyView, prepared: Prepared, running: set[str]) -> bool:
    """Somebody has enqueued, imported or started the very same configuration since."""
    digest = configuration_digest(prepared.trial.parameters)
    later = range(prepared.known_number + 1, max(view.trials, default=0) + 1)
    return digest in running or any(
        number in view.trials and configuration_digest(view.trials[number].parameters) == digest for number in later
    )
