"""What can be done with a trial, as flows that also keep the handle's view and lease up to date."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from google.protobuf.field_mask_pb2 import FieldMask

from asktell._core import methods
from asktell._core.flow import Flow, new_request_id
from asktell._core.trial_view import Names, TrialView, decode_measurement
from asktell._core.values import encode_metrics, encode_texts, text, whole
from asktell.errors import AsktellError, FailedPrecondition, NotFinite, NotFound
from asktell.records import Measurement, MetricInput, Outcome
from asktell.v1 import trial_pb2, trial_service_pb2

if TYPE_CHECKING:
    from asktell._core.leases import Lease
    from asktell._core.studies import Caller

logger = logging.getLogger("asktell")

Metrics: TypeAlias = Mapping[str, MetricInput]
Texts: TypeAlias = Mapping[str, str]

OUTCOMES = {
    Outcome.SUCCEEDED: trial_service_pb2.TELL_OUTCOME_SUCCEEDED,
    Outcome.STOPPED: trial_service_pb2.TELL_OUTCOME_STOPPED,
    Outcome.FAILED: trial_service_pb2.TELL_OUTCOME_FAILED,
    Outcome.INFEASIBLE: trial_service_pb2.TELL_OUTCOME_INFEASIBLE,
}
CHECKPOINT = "checkpoint"
"""The annotation in which a worker says where the checkpoint of its trial lies."""
_LONGEST_REASON = 4096


class TrialActions(TrialView):
    """A trial that can be acted upon. `_lease` is there when this client asked for it."""

    def __init__(self, caller: Caller, message: trial_pb2.Trial, names: Names, lease: Lease | None) -> None:
        """Takes the message over."""
        super().__init__(message, names)
        self._caller = caller
        self._lease = lease
        self._lease_id = "" if lease is None else lease.id
        self._stop_asked = False
        self._superseded = False

    def __getstate__(self) -> dict[str, Any]:
        """A copy can report and tell; the lease stays with the process that asked, which renews it while it holds it."""
        return {**self.__dict__, "_lease": None}

    @property
    def is_open(self) -> bool:
        """This client asked for the trial, and has neither told it nor given it back."""
        return self._lease is not None and not self._lease.closed

    @property
    def should_stop(self) -> bool:
        """The server wants the trial to end now: tell it with `stop()`."""
        return self._stop_asked if self._lease is None else self._lease.should_stop

    @property
    def stop_reason(self) -> str:
        """Why it should stop, for people."""
        return "" if self._lease is None else self._lease.stop_reason

    @property
    def lease_lost(self) -> bool:
        """The lease ran out or the trial was called off. A result told nevertheless is still taken if it is the first."""
        return self._lease is not None and self._lease.lost

    def on_stop(self, callback: Callable[[], None]) -> None:
        """Calls `callback` once, when the server wants the trial to stop: from the heartbeat, so it must be quick."""
        if self._lease is not None:
            self._lease.on_stop = callback
            if self._lease.should_stop:
                callback()

    @property
    def superseded(self) -> bool:
        """Another attempt's result was there before the one told here; this one is kept in the trail."""
        return self._superseded

    def _report(self, metrics: Metrics | None, more: Metrics, step: int | None) -> Flow[bool]:
        wire = encode_metrics(metrics, more)
        if wire and step is None:
            raise TypeError("report() with metrics takes step=…")
        request = trial_service_pb2.ReportRequest(
            name=self.name,
            lease_id=self._message.lease_id,
            step=0 if step is None else whole(step, "step"),
            metrics=wire,
            request_id=new_request_id() if wire else "",
        )
        sent_at = time.monotonic()
        answer = yield from self._caller(methods.REPORT, request)
        if self._lease is not None:
            self._lease.heard(answer, sent_at=sent_at)
        self._stop_asked = answer.should_stop
        return answer.should_stop

    def _tell(
        self, outcome: Outcome, metrics: Metrics | None, more: Metrics, annotations: Texts | None, reason: str = ""
    ) -> Flow[None]:
        request = trial_service_pb2.TellRequest(
            name=self.name,
            lease_id=self._lease_id,
            outcome=OUTCOMES[outcome],
            metrics=encode_metrics(metrics, more),
            reason=_shortened(reason),
            request_id=new_request_id(),
            annotations=encode_texts(annotations or {}, "annotations"),
        )
        answer = yield from self._caller(methods.TELL, request)
        self._close()
        self._superseded = answer.superseded
        self._message = answer.trial

    def _release(self) -> Flow[None]:
        request = trial_service_pb2.ReleaseTrialRequest(
            name=self.name, lease_id=self._message.lease_id, request_id=new_request_id()
        )
        self._message = yield from self._caller(methods.RELEASE_TRIAL, request)
        self._close()
        if self._lease is not None:
            self._lease.gone()

    def _leave(self, error: BaseException | None) -> Flow[None]:
        """The end of a `with` block: an open trial fails with the error, or goes back when that is not its fault.

        Never raises for the server's sake: that would hide the error that ended the block.
        """
        if not self.is_open:
            return
        try:
            if _blames_configuration(error):
                yield from self._tell(Outcome.FAILED, None, {}, None, f"{type(error).__name__}: {error}")
            elif not self.lease_lost:
                yield from self._release()
        except (FailedPrecondition, NotFound):
            self._close()  # somebody else has ended the trial, or it is gone
        except AsktellError as failure:
            logger.warning("%s could not be ended, its lease will run out: %s", self.name, failure)
            self._close()

    def _cancel(self, reason: str) -> Flow[None]:
        request = trial_service_pb2.CancelTrialRequest(
            name=self.name, reason=_shortened(reason), request_id=new_request_id()
        )
        self._message = yield from self._caller(methods.CANCEL_TRIAL, request)
        self._close()

    def _amend(self, metrics: Metrics | None, more: Metrics, reason: str, outcome: Outcome) -> Flow[None]:
        request = trial_service_pb2.AmendTrialRequest(
            name=self.name,
            outcome=OUTCOMES[Outcome(outcome)],
            metrics=encode_metrics(metrics, more),
            reason=_shortened(reason),
            request_id=new_request_id(),
        )
        self._message = yield from self._caller(methods.AMEND_TRIAL, request)

    def _set(self, field: str, values: Texts, more: Texts) -> Flow[None]:
        """Sets single labels or annotations; the others stay."""
        merged = {**values, **more}
        trial = trial_pb2.Trial(name=self.name)
        getattr(trial, field).update(encode_texts(merged, field))
        yield from self._update(trial, [f"{field}.{key}" for key in merged])

    def _set_note(self, note: str) -> Flow[None]:
        yield from self._update(trial_pb2.Trial(name=self.name, note=text(note, "note")), ["note"])

    def _update(self, trial: trial_pb2.Trial, paths: list[str]) -> Flow[None]:
        mask = FieldMask(paths=paths)
        request = trial_service_pb2.UpdateTrialRequest(trial=trial, update_mask=mask, request_id=new_request_id())
        self._message = yield from self._caller(methods.UPDATE_TRIAL, request)

    def _refresh(self) -> Flow[None]:
        self._message = yield from self._caller(methods.GET_TRIAL, trial_service_pb2.GetTrialRequest(name=self.name))

    def _measured(self) -> Flow[list[Measurement]]:
        """What the handle has, if that is all there ever will be; otherwise what the server has now."""
        message = self._message
        if not self.state.has_ended or len(message.measurements) < message.measurement_count:
            message = yield from self._caller(methods.GET_TRIAL, trial_service_pb2.GetTrialRequest(name=self.name))
            if self.state.has_ended:
                self._message = message
        return [decode_measurement(each) for each in message.measurements]

    def _start_checkpoint(self) -> Flow[str | None]:
        if self.continue_from is None:
            return None
        name = f"{self.name.rpartition('/')[0]}/{self.continue_from}"
        try:
            earlier = yield from self._caller(methods.GET_TRIAL, trial_service_pb2.GetTrialRequest(name=name))
        except NotFound:  # somebody has deleted it
            return None
        return earlier.annotations.get(CHECKPOINT)

    def _delete(self) -> Flow[None]:
        request = trial_service_pb2.DeleteTrialRequest(name=self.name, request_id=new_request_id())
        yield from self._caller(methods.DELETE_TRIAL, request)

    def _close(self) -> None:
        if self._lease is not None:
            self._lease.closed = True


def _blames_configuration(error: BaseException | None) -> bool:
    """A program's own error says something about the configuration; Ctrl-C, cancelling or a lost server does not."""
    if isinstance(error, AsktellError):
        return isinstance(error, NotFinite)  # the result was NaN: it diverged
    return isinstance(error, Exception)


def _shortened(reason: str) -> str:
    plain = text(reason, "reason")
    return plain if len(plain) <= _LONGEST_REASON else plain[: _LONGEST_REASON - 1] + "…"
