"""What can be done with studies, as flows."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asktell._core import methods
from asktell._core.flow import Flow, Sleep, call, new_request_id
from asktell._core.methods import Method, Req, Resp
from asktell._core.settings import Settings
from asktell._core.study_requests import changeable_differences, create_request, fixed_differences
from asktell._core.values import whole
from asktell.errors import NoTrialAvailable, Overloaded, StudyExists, StudyNotFound
from asktell.study_spec import StudySpec
from asktell.v1 import study_pb2, study_service_pb2, trial_pb2, trial_service_pb2

logger = logging.getLogger("asktell.study")

PAGE_SIZE = 500
_RETRY_ASK_S = 1.0
_CREATE_TRIES = 3


@dataclass(frozen=True, slots=True)
class Caller:
    """Makes calls with the settings' deadlines."""

    settings: Settings

    def __call__(self, method: Method[Req, Resp], request: Req) -> Flow[Resp]:
        """One call, with its retries."""
        return call(method, request, timeout_s=self.settings.timeouts.of(method))


def create_study(caller: Caller, study_id: str, spec: StudySpec, *, exist_ok: bool) -> Flow[study_pb2.Study]:
    """Creates a study; with `exist_ok` returns the one that is there, if it has the same specification.

    Raises:
        StudyExists: a study of that name is there, with `exist_ok` one with another specification.
    """
    request = create_request(caller.settings.project, study_id, spec)
    for tries_left in reversed(range(_CREATE_TRIES)):
        try:
            created: study_pb2.Study = yield from caller(methods.CREATE_STUDY, request)
        except StudyExists as error:
            if not exist_ok:
                raise
            get = study_service_pb2.GetStudyRequest(name=f"{request.parent}/studies/{study_id}")
            try:
                stored: study_pb2.Study = yield from caller(methods.GET_STUDY, get)
            except StudyNotFound:  # deleted between the two calls
                if not tries_left:
                    raise
                request.request_id = new_request_id()
                continue
            _check_same(request.study, stored, error)
            return stored
        for warning in created.warnings:
            logger.warning("study %s: %s: %s", study_id, warning.field, warning.message)
        return created
    raise AssertionError("unreachable: the last try raises")


def _check_same(wanted: study_pb2.Study, stored: study_pb2.Study, error: StudyExists) -> None:
    fixed = fixed_differences(wanted, stored)
    if fixed:
        raise StudyExists(
            f"{stored.name} exists with another {', '.join(fixed)}: choose another name, or delete it first",
            reason=error.reason,
            metadata=error.metadata,
            code=error.code,
        )
    changeable = changeable_differences(wanted, stored)
    if changeable:
        logger.warning(
            "%s exists with another %s, which stays as it is: change it with update()",
            stored.name,
            ", ".join(changeable),
        )


def list_studies(caller: Caller, labels: Mapping[str, str] | None) -> Flow[list[study_pb2.Study]]:
    """All studies of the project, by name."""
    studies: list[study_pb2.Study] = []
    request = study_service_pb2.ListStudiesRequest(
        parent=f"projects/{caller.settings.project}", page_size=PAGE_SIZE, labels=labels or {}
    )
    while True:
        page = yield from caller(methods.LIST_STUDIES, request)
        studies.extend(page.studies)
        if not page.next_page_token:
            return studies
        request.page_token = page.next_page_token


def ask(
    caller: Caller, study: str, *, count: int, wait: bool | float, worker_id: str | None
) -> Flow[tuple[Sequence[trial_pb2.Trial], float]]:
    """Trials to run, and the time.monotonic() at which the request for them was sent.

    `wait`: True = as long as nothing can be handed out, False = not at all, or for so many seconds.

    Raises:
        StudyComplete: there is nothing more to do. NoTrialAvailable: not now, and `wait` is over.
    """
    give_up_at = float("inf") if wait is True else time.monotonic() + float(wait)
    while True:
        sent_at = time.monotonic()
        request = trial_service_pb2.AskRequest(
            study=study,
            count=whole(count, "count"),
            worker_id=worker_id or caller.settings.worker_id,
            request_id=new_request_id(),
        )
        try:
            answer = yield from caller(methods.ASK, request)
        except (NoTrialAvailable, Overloaded) as error:
            delay = (error.retry_after_s or _RETRY_ASK_S) * random.uniform(1.0, 1.2)
            if time.monotonic() + delay > give_up_at:
                raise
        else:
            return answer.trials, sent_at
        yield Sleep(seconds=delay)


def list_trials(caller: Caller, study: str, trial_filter: trial_service_pb2.TrialFilter) -> Flow[list[trial_pb2.Trial]]:
    """All trials that the filter takes, by number."""
    trials: list[trial_pb2.Trial] = []
    request = trial_service_pb2.ListTrialsRequest(parent=study, page_size=PAGE_SIZE, filter=trial_filter)
    while True:
        page = yield from caller(methods.LIST_TRIALS, request)
        trials.extend(page.trials)
        if not page.next_page_token:
            return trials
        request.page_token = page.next_page_token
