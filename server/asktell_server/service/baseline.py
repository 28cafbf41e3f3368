"""The trial that relative outcome constraints refer to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from asktell_server.domain.goals import Goals
from asktell_server.domain.study import Study
from asktell_server.domain.trial import Origin, Trial


def settled_goals(study: Study, trials: Mapping[int, Trial], imported: Sequence[int]) -> Goals:
    """The study's goals, with the values of its baseline trial put in where it has any.

    `imported`: the numbers of the imported trials that were measured, rising.
    """
    if not study.goals.is_relative:
        return study.goals
    baseline = _baseline(study, trials, imported)
    return study.goals if baseline is None else study.goals.relative_to(baseline.metrics)


def may_be_baseline(study: Study, trial: Trial) -> bool:
    """Whether a change of the trial may change what constraints are relative to."""
    if study.baseline_trial is not None:
        return trial.number == study.baseline_trial
    return trial.origin is Origin.IMPORT


def _baseline(study: Study, trials: Mapping[int, Trial], imported: Sequence[int]) -> Trial | None:
    if study.baseline_trial is not None:
        named = trials.get(study.baseline_trial)
        return named if named is not None and study.goals.measured(named.result) is not None else None
    return trials[imported[0]] if imported else None
