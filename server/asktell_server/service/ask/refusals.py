"""Why an ask gets no trial."""

from __future__ import annotations

from asktell_server.domain.errors import AsktellError, ErrorReason, FailedPrecondition, ResourceExhausted
from asktell_server.domain.fixing import listed_values
from asktell_server.domain.space import Configuration
from asktell_server.domain.study import Study, StudyState
from asktell_server.domain.trial import TrialState
from asktell_server.service.completion import study_complete
from asktell_server.store.protocol import StudyHead

RETRY_AFTER_S = 1.0
"""How long a worker should wait for a trial that may come back; sooner when a lease ends sooner."""
MIN_RETRY_AFTER_S = 0.1


def require_active(study: Study) -> None:
    """Raises FailedPrecondition (STUDY_COMPLETE, STUDY_PAUSED) when the study hands nothing out."""
    if study.state is StudyState.FINISHED:
        raise study_complete(study)
    if study.state is StudyState.PAUSED:
        raise FailedPrecondition(
            f"study {study.name} is paused", reason=ErrorReason.STUDY_PAUSED, metadata={"name": str(study.name)}
        )


def none_with_these(what: str, fixed: Configuration) -> FailedPrecondition:
    """The answer where all configurations with the fixed values have been tried; `what` has some others left."""
    values = listed_values(fixed)
    return FailedPrecondition(
        f"{what} nothing left to try with {values}: every configuration of the space, or its grid, that has "
        f"{'this value' if len(fixed) == 1 else 'these values'} has been tried, and others have not",
        reason=ErrorReason.FIXED_EXHAUSTED,
        metadata={"fixed": values},
    )


def nothing_now(
    study: Study, head: StudyHead, next_lapse_s: float | None, *, fixed: Configuration, exhausted: bool
) -> AsktellError:
    """Why there is no trial for an ask with the fixed values, of a study that was active when the ask came.

    `study` is as it is now. `next_lapse_s` is how long the next lease still lasts, in seconds; None without any. `exhausted`:
    there is nothing to suggest with these values, and no trial that has them may come back.
    """
    if study.state is StudyState.FINISHED:
        return study_complete(study)
    name = str(study.name)
    if exhausted and fixed:
        return none_with_these(f"study {name} has", fixed)
    running = head.counts.get(TrialState.RUNNING, 0)
    limited = study.max_running_trials and running >= study.max_running_trials
    if not study.algorithm.suggests and not limited:
        return FailedPrecondition(
            f"study {name} uses manual search and no trial is enqueued"
            + (f" with {listed_values(fixed)}" if fixed else ""),
            reason=ErrorReason.QUEUE_EMPTY,
            metadata={"name": name},
        )
    why = (
        f"{running} trials are running, the most that are allowed at once"
        if limited
        else f"everything there is to try is handed out and {running} still run"
    )
    wait_s = RETRY_AFTER_S if next_lapse_s is None else min(RETRY_AFTER_S, next_lapse_s)
    return ResourceExhausted(
        f"study {name} has no trial to hand out now: {why}",
        reason=ErrorReason.NO_TRIAL_AVAILABLE,
        metadata={"name": name, "running": str(running)},
        retry_after_s=max(MIN_RETRY_AFTER_S, wait_s),
    )
