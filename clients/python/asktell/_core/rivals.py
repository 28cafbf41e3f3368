"""Which trials may be the best of their study: what plots and comparisons agree on with the server."""

from __future__ import annotations

from collections.abc import Iterable

from asktell._core.fidelity import has
from asktell._core.study_view import StudyView
from asktell._core.trial_view import TrialView
from asktell.records import TrialState

MEASURED = (TrialState.SUCCEEDED, TrialState.STOPPED)


def rivals(study: StudyView, trials: Iterable[TrialView], metric: str) -> list[TrialView]:
    """The trials with a value of the metric that keep the outcome constraints, ran the whole, and are of the newest data.

    After a reopening of the study the former ones stay until there is a result on the new data. Epochs between which nothing lost
    weight (a decay of 1) count as the same data.
    """
    whole, reopenings = study.whole, study.reopenings
    found = [
        trial
        for trial in trials
        if trial.state in MEASURED and metric in trial.metrics and not trial.violation and has(trial.params, whole)
    ]
    losses = [sum(each.decay < 1.0 for each in reopenings[: trial.data_epoch - 1]) for trial in found]
    newest = max(losses, default=0)
    return [trial for trial, loss in zip(found, losses, strict=True) if loss == newest]
