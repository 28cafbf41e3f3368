"""The trial that relative outcome constraints refer to."""

from __future__ import annotations

from collections.abc import Mapping

from asktell_server.domain.goals import Goals
from asktell_server.domain.study import Study
from asktell_server.domain.trial import Origin, Trial


def settled_goals(study: Study, trials: Mapping[int, Trial]) -> Goals:
    """The study's goals, with the values of its baseline trial put in where it has any."""
    if not study.goals.is_relative:
        return study.goals
    baseline = _baseline(study, trials)
    return study.goals if baseline is None else study.goals.relative_to(baseline.metrics)


def may_be_baseline(study: Study, trial: Trial) -> bool:
    """Whether a change of the trial may change what constraints are relative to."""
    if study.baseline_trial is not None:
        return trial.number == study.baseline_trial
    return trial.origin is Origin.IMPORT


def _baseline(study: Study, trials: Mapping[int, Trial]) -> Trial | None:
    if study.baseline_trial is not None:
        named = trials.get(study.baseline_trial)
        return named if named is not None and study.goals.measured(named.result) is not None else None
    imported = (
        trial
        for trial in trials.values()
        if trial.origin is Origin.IMPORT and study.goals.measured(trial.result) is not None
    )
    return min(imported, key=lambda trial: trial.number, default=None)
