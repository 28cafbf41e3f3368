"""JSON of the server as results of the corpus, and a watch that goes on where its connection broke."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf import json_format

from tests.conformance import schema
from tests.conformance.executors.http_calls import Caller, CallError, Json
from tests.conformance.executors.http_trials import OpenTrial

_KINDS_BY_REASON = {
    "STUDY_EXISTS", "RESULT_CONFLICT", "STUDY_COMPLETE", "STUDY_PAUSED", "QUEUE_EMPTY", "NO_TRIAL_AVAILABLE",
    "LEASE_LOST", "ILLEGAL_TRANSITION", "ETAG_MISMATCH", "CONTENTION", "OVERLOADED", "LIMIT_EXCEEDED",
}  # fmt: skip
_KINDS_BY_CODE = {"unimplemented": "NOT_SUPPORTED"}


def watch(caller: Caller, study: str, cursor: str) -> Iterator[Json]:
    """Changes from a cursor on, for ever. Raises CallError: the study is gone."""
    delay = 0.1
    while True:
        try:
            for change in caller.stream("TrialService/WatchStudy", {"study": study, "cursor": cursor}):
                cursor, delay = change["cursor"], 0.1
                yield change
        except CallError as error:
            if error.code != "unavailable":
                raise
        time.sleep(delay * random.uniform(0.5, 1.0))
        delay = min(5.0, delay * 2)


def change(change: Json) -> Any:
    """A change."""
    wire = schema.Change(cursor=change["cursor"])
    if "reported" in change:
        wire.reported.trial = _number(change["reported"]["name"])
        json_format.ParseDict(change["reported"]["measurement"], wire.reported.measurement)
    elif "deletedTrial" in change:
        wire.deleted_trial = _number(change["deletedTrial"]["name"])
    else:
        json_format.ParseDict({key: change[key] for key in ("study", "trial") if key in change}, wire)
    return wire


def _number(name: str) -> int:
    return int(name.rpartition("/")[2])


def done() -> Any:
    """It worked."""
    result = schema.Result()
    result.done.SetInParent()
    return result


def failed(error: CallError) -> Any:
    """An error."""
    result = schema.Result()
    name = error.reason if error.reason in _KINDS_BY_REASON else _KINDS_BY_CODE.get(error.code, error.code.upper())
    result.error.kind = schema.ERROR_KINDS.get(name, schema.ERROR_KINDS["OTHER"])
    result.error.reason = error.reason
    result.error.field = error.metadata.get("field", "")
    result.error.has_retry_after = error.retry_after_s is not None
    result.error.message = str(error)
    return result


def trials(trials: Sequence[OpenTrial]) -> Any:
    """Trials with what their client knows of them."""
    result = schema.Result()
    result.trials.SetInParent()
    for trial in trials:
        wire = result.trials.trials.add(
            should_stop=trial.should_stop, lease_lost=trial.lease_lost, superseded=trial.superseded
        )
        json_format.ParseDict(trial.message, wire.trial)
    return result
