"""What can be done with studies, as flows."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import grpc

from asktell._core import methods
from asktell._core.ask_options import AskOptions, put_ask_options
from asktell._core.channel import nothing_listens
from asktell._core.flow import Flow, Refused, Sleep, call, new_request_id
from asktell._core.methods import Method, Req, Resp
from asktell._core.settings import DEFAULT_WAIT_S, Settings
from asktell._core.values import whole
from asktell._core.words import study_words
from asktell.errors import AsktellError, NoTrialAvailable, Overloaded, StudyExists, Unavailable
from asktell.v1 import study_pb2, study_service_pb2, trial_pb2, trial_service_pb2

logger = logging.getLogger("asktell.study")

PAGE_SIZE = 500
_RETRY_ASK_S = 1.0
_LOOK_AGAIN_S = 0.1


@dataclass(frozen=True, slots=True)
class Caller:
    """Makes calls with the settings' deadlines."""

    settings: Settings

    def __call__(self, method: Method[Req, Resp], request: Req) -> Flow[Resp]:
        """One call, with its retries. Raises Unavailable, too: nothing listens on this machine's port for `wait_s`."""
        give_up_at = time.monotonic() + self.settings.wait_s
        patient = self.settings.wait_s > DEFAULT_WAIT_S
        while (yield Refused()):
            if patient:
                logging.getLogger("asktell").warning("waiting for a server at %s", self.settings.address)
                patient = False
            if time.monotonic() >= give_up_at:
                raise Unavailable(nothing_listens(self.settings), code=grpc.StatusCode.UNAVAILABLE)
            yield Sleep(seconds=_LOOK_AGAIN_S)
        return (yield from call(method, request, timeout_s=self.settings.timeouts.of(method)))


def create_study(caller: Caller, request: study_service_pb2.CreateStudyRequest) -> Flow[study_pb2.Study]:
    """Creates a study, or with `exist_ok` opens it.

    Raises:
        StudyExists: a study of that name is there, with `exist_ok` one with another specification.
    """
    study: study_pb2.Study
    try:
        study = yield from caller(methods.CREATE_STUDY, request)
    except StudyExists as error:
        if request.exist_ok:
            raise
        raise error.reworded(f"{error.message} (exist_ok=True takes it if it is the same)") from None
    for warning in study.warnings:
        where = study_words(warning.field, study)
        logger.warning("study %s: %s: %s", study.name.rpartition("/")[2], where, warning.message)
    return study


def create_from_file(
    caller: Caller, request: study_service_pb2.CreateStudyRequest, path: str | os.PathLike[str]
) -> Flow[study_pb2.Study]:
    """Creates the study of a file; what is wrong in the file is complained about as `path:line:column: key: …`."""
    try:
        return (yield from create_study(caller, request))
    except AsktellError as error:
        if "line" not in error.metadata:
            raise
        raise error.at(f"{os.fspath(path)}:") from None


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
    caller: Caller, study: str, *, count: int, wait: bool | float, options: AskOptions
) -> Flow[tuple[Sequence[trial_pb2.Trial], float]]:
    """Trials to run, and the time.monotonic() at which the request for them was sent.

    `wait`: True = as long as nothing can be handed out, False = not at all; a number = for that many seconds.

    Raises:
        StudyComplete: there is nothing more to do. NoTrialAvailable: not now, and `wait` is over.
    """
    give_up_at = float("inf") if wait is True else time.monotonic() + float(wait)
    while True:
        sent_at = time.monotonic()
        request = trial_service_pb2.AskRequest(
            study=study, count=whole(count, "count"), worker_id=caller.settings.worker_id, request_id=new_request_id()
        )
        put_ask_options(request, options)
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
