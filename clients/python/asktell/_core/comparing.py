"""Two trials, or two studies, side by side. Pure: views in, a comparison out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from asktell._core.record import keys
from asktell._core.rivals import rivals
from asktell._core.study_view import STUDY_FIELDS, StudyView
from asktell._core.trial_view import TrialView
from asktell.comparison import Compared, Comparison
from asktell.records import Origin, TrialState
from asktell.spec import Goal, Objective

_ELSEWHERE = {"space", "labels", "annotations", "note", "display_name"}
"""Fields of a study that are no settings, or are compared one by one."""

_OF_EVERY_RUN = {
    *(keys.GIT_COMMIT, keys.GIT_DIRTY, keys.HOST, keys.OS, keys.PYTHON, keys.DATASET),
}
"""What a study's trials ran with that may be told of all of them together."""

_COUNTS = (1, 2, 5)
"""Times powers of ten: after so many trials the best values of two studies are compared."""


def compare_trials(left: TrialView, right: TrialView, objectives: Sequence[Objective] = ()) -> Comparison:
    """Parameters, metrics, what they ran with, and the facts of two trials. `objectives` say which metric's value is better."""
    goals = {each.metric: each.goal for each in objectives}
    mine, theirs = left.annotations, right.annotations
    runs = [key for key in _names(mine, theirs) if key.startswith("run.")]
    others = [key for key in _names(mine, theirs) if not key.startswith("run.")]
    return Comparison(
        left=left.name,
        right=right.name,
        items=(
            *_pairs("parameter", left.params, right.params),
            *(
                _compared("metric", name, left.metrics.get(name), right.metrics.get(name), goals.get(name))
                for name in _names(left.metrics, right.metrics)
            ),
            *(_compared("run", key.removeprefix("run."), mine.get(key), theirs.get(key)) for key in sorted(runs)),
            *(_compared("annotation", key, mine.get(key), theirs.get(key)) for key in sorted(others)),
            *_pairs("label", left.labels, right.labels),
            *_pairs("trial", _facts(left), _facts(right)),
        ),
    )


def _facts(trial: TrialView) -> dict[str, Any]:
    return {
        "state": trial.state.value,
        "reason": trial.reason or None,
        "origin": trial.origin.value,
        "duration_s": trial.duration_s,
        "attempt": trial.attempt,
        "worker": trial.worker_id or None,
        "violation": trial.violation,
        "note": trial.note or None,
    }


def compare_studies(
    left: StudyView, left_trials: Sequence[TrialView], right: StudyView, right_trials: Sequence[TrialView]
) -> Comparison:
    """The best values at equal numbers of trials, parameters, settings, and what the trials of two studies ran with.

    Trials are taken in the order in which they ended; imported and cancelled ones do not count.
    """
    mine, theirs = _own(left_trials), _own(right_trials)
    settings = [name for name in STUDY_FIELDS if name not in _ELSEWHERE]
    return Comparison(
        left=left.name,
        right=right.name,
        items=(
            *_bests(left, mine, right, theirs),
            *_best_trials(left, mine, right, theirs),
            *_pairs("parameter", left.space, right.space),
            *_pairs(
                "setting",
                {name: getattr(left, name) for name in settings},
                {name: getattr(right, name) for name in settings},
            ),
            *_pairs("run", _runs(mine), _runs(theirs)),
            *_pairs("annotation", left.annotations, right.annotations),
            *_pairs("label", left.labels, right.labels),
            *_pairs("study", _study_facts(left, mine), _study_facts(right, theirs)),
        ),
    )


def _own(trials: Sequence[TrialView]) -> list[TrialView]:
    """The study's own trials that have ended, in the order of their ends."""
    ended = [
        trial
        for trial in trials
        if trial.state.has_ended and trial.state is not TrialState.CANCELLED and trial.origin is not Origin.IMPORT
    ]
    return sorted(ended, key=lambda trial: (trial.finish_time or datetime.max.replace(tzinfo=UTC), trial.number))


def _bests(
    left: StudyView, mine: Sequence[TrialView], right: StudyView, theirs: Sequence[TrialView]
) -> Iterator[Compared]:
    """The best value of each objective that both have, after 1, 2, 5, 10, … trials and after as many as both have."""
    fewest = min(len(mine), len(theirs))
    counts = [step * 10**power for power in range(len(str(fewest))) for step in _COUNTS]
    counts = sorted({count for count in counts if count < fewest} | ({fewest} if fewest else set()))
    wanted = {(each.metric, each.goal) for each in right.objectives}
    for objective in left.objectives:
        if (objective.metric, objective.goal) not in wanted:
            continue
        ours, others = (_so_far(study, trials, objective) for study, trials in ((left, mine), (right, theirs)))
        for count in counts:
            name = f"{objective.metric} after {count} trial{'' if count == 1 else 's'}"
            yield _compared("best", name, ours[count - 1], others[count - 1], objective.goal)


def _so_far(study: StudyView, trials: Sequence[TrialView], objective: Objective) -> list[float | None]:
    """The best value after each trial, among those that may be the best."""
    values = {trial.number: trial.metrics[objective.metric] for trial in rivals(study, trials, objective.metric)}
    best: float | None = None
    course = []
    for trial in trials:
        value = values.get(trial.number)
        if value is not None and (best is None or _betters(value, best, objective.goal)):
            best = value
        course.append(best)
    return course


def _best_trials(
    left: StudyView, mine: Sequence[TrialView], right: StudyView, theirs: Sequence[TrialView]
) -> Iterator[Compared]:
    """The best of all own trials of either, where one objective says which."""
    sides = []
    for study, trials in ((left, mine), (right, theirs)):
        best = _best(study, trials, study.objectives[0]) if len(study.objectives) == 1 else None
        sides.append({} if best is None else {"number": best.number, **best.params})
    yield from _pairs("best trial", *sides)


def _best(study: StudyView, trials: Sequence[TrialView], objective: Objective) -> TrialView | None:
    sign = -1 if objective.goal is Goal.MAXIMIZE else 1
    found = rivals(study, trials, objective.metric)
    return min(found, key=lambda trial: sign * trial.metrics[objective.metric], default=None)


def _runs(trials: Sequence[TrialView]) -> dict[str, tuple[str, ...]]:
    """What the trials ran with: the different values, in the order in which they came."""
    found: dict[str, dict[str, None]] = {}
    for trial in trials:
        for key, value in trial.annotations.items():
            if key in _OF_EVERY_RUN:
                found.setdefault(key.removeprefix("run."), {})[value] = None
    return {key: tuple(values) for key, values in sorted(found.items())}


def _study_facts(study: StudyView, own: Sequence[TrialView]) -> dict[str, Any]:
    return {
        "state": study.state.value,
        "finish_reason": study.finish_reason.value,
        "trials ended": len(own),
        "trials failed": sum(trial.state in (TrialState.FAILED, TrialState.ABANDONED) for trial in own),
        "title": study.display_name or None,
        "note": study.note or None,
    }


def _pairs(group: str, left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[Compared]:
    return (_compared(group, name, left.get(name), right.get(name)) for name in _names(left, right))


def _compared(group: str, name: str, left: Any, right: Any, goal: Goal | None = None) -> Compared:
    better = ""
    if goal is not None and left is not None and right is not None and left != right:
        better = "right" if _betters(right, left, goal) else "left"
    return Compared(group=group, name=name, left=left, right=right, better=better)


def _betters(value: float, other: float, goal: Goal) -> bool:
    return value > other if goal is Goal.MAXIMIZE else value < other


def _names(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys([*left, *right]))
