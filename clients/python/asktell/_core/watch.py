"""Following a study's changes across lost connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc

from asktell._core import methods
from asktell._core.flow import Backoff, Flow, OpenStream, ReadStream, Sleep, connection_lost
from asktell._core.studies import Caller
from asktell._core.study_view import StudyView
from asktell._core.trial_view import Names, TrialView, decode_measurement
from asktell.records import Measurement
from asktell.v1 import study_service_pb2, trial_service_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a study; exactly one of the fields besides `cursor` is set.

    Attributes:
        cursor: where to go on from.
        study: the study itself, as it is after the change.
        trial: a trial, as it is after the change.
        deleted_trial: number of a trial that is no more.
        reported: number of a running trial, and what it reported.
    """

    cursor: str
    study: StudyView | None
    trial: TrialView | None
    deleted_trial: int | None
    reported: tuple[int, Measurement] | None


def decode_change(wire: trial_service_pb2.WatchStudyResponse, names: Names) -> Change:
    """A change as plain values; `names`: the study's parameters and metrics."""
    kind = wire.WhichOneof("change")
    report = wire.reported
    return Change(
        cursor=wire.cursor,
        study=StudyView(wire.study) if kind == "study" else None,
        trial=TrialView(wire.trial, names) if kind == "trial" else None,
        deleted_trial=_number(wire.deleted_trial.name) if kind == "deleted_trial" else None,
        reported=(_number(report.name), decode_measurement(report.measurement)) if kind == "reported" else None,
    )


def _number(trial_name: str) -> int:
    return int(trial_name.rpartition("/")[2])


class Watch:
    """A stream of changes that opens itself again where it broke off: nothing is missed, nothing comes twice."""

    def __init__(self, caller: Caller, study: str, cursor: str) -> None:
        """Starts nothing yet; `cursor` as in `Study.watch`."""
        self._caller = caller
        self._study = study
        self.cursor = cursor
        self._call: Any = None
        self._backoff = Backoff()

    def next(self) -> Flow[trial_service_pb2.WatchStudyResponse]:
        """The next change; waits for it as long as it takes.

        Raises:
            StudyNotFound: the study is not there (any more).
        """
        if self._call is None:
            # A call with a deadline first: a stream would wait for ever for a server that is not there at all.
            get = study_service_pb2.GetStudyRequest(name=self._study)
            yield from self._caller(methods.GET_STUDY, get)
        while True:
            if self._call is None:
                request = trial_service_pb2.WatchStudyRequest(study=self._study, cursor=self.cursor)
                self._call = yield OpenStream(method=methods.WATCH_STUDY, request=request)
            try:
                change: trial_service_pb2.WatchStudyResponse | None = yield ReadStream(call=self._call)
            except grpc.RpcError as failure:
                error = connection_lost(failure)
                if error is not None:
                    raise error from None
                change = None
            if change is not None:
                self._backoff = Backoff()
                self.cursor = change.cursor
                return change
            self._call = None
            yield Sleep(seconds=self._backoff.delay_s())

    def close(self) -> None:
        """Ends the stream."""
        if self._call is not None:
            self._call.cancel()
