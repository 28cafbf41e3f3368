"""Which trials another one may go on from."""

from __future__ import annotations

from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.space import SearchSpace
from asktell_server.domain.trial import TrialState
from asktell_server.service.study_view import StudyView

_WITH_CHECKPOINT = (TrialState.SUCCEEDED, TrialState.STOPPED)


def require_ended(view: StudyView, number: int, field: str) -> None:
    """Checks the number of the trial that another one is to go on from; 0 = none.

    Raises:
        InvalidArgument: the study has no such trial, or it has neither succeeded nor been stopped.
    """
    if not number:
        return
    trial = view.trials.get(number) if number > 0 else None
    if trial is None:
        raise InvalidArgument(field, f"must be the number of a trial of {view.study.name}, got {number}")
    if trial.state not in _WITH_CHECKPOINT:
        raise InvalidArgument(
            field, f"must be a trial that SUCCEEDED or was STOPPED, and trial {number} is {trial.state.value}"
        )


def require_no_fidelity(space: SearchSpace, number: int, field: str) -> None:
    """Raises InvalidArgument where an ask says what to go on from and the server does."""
    if number and space.fidelity is not None:
        raise InvalidArgument(
            field,
            f"must be unset, since {space.fidelity.name!r} is the fidelity: a promotion says itself what it goes on from",
        )
