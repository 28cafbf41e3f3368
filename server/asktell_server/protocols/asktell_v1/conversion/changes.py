"""Changes of a study, as WatchStudy streams them."""

from __future__ import annotations

import dataclasses

from asktell.v1 import trial_service_pb2
from asktell_server.protocols.asktell_v1.conversion.metrics import measurement_to
from asktell_server.protocols.asktell_v1.conversion.studies import study_to
from asktell_server.protocols.asktell_v1.conversion.trials import trial_to
from asktell_server.service.watching import cursor_at
from asktell_server.store.protocol import (
    LogEntry,
    MeasurementReported,
    StudyChanged,
    StudyHead,
    TrialChanged,
    TrialDeleted,
    TrialRecord,
)


def change_to(head: StudyHead, entry: LogEntry) -> trial_service_pb2.WatchStudyResponse:
    """Writes one entry of a study's log; `head` gives the study's name and epoch."""
    name = head.study.name
    message = trial_service_pb2.WatchStudyResponse(cursor=cursor_at(head, entry.sequence))
    match entry.change:
        case StudyChanged(study=study):
            # The counts of that moment are not in the log; a change of the study carries none rather than wrong ones.
            then = dataclasses.replace(head, study=study, counts={})
            message.study.CopyFrom(study_to(then, sequence=entry.sequence))
            message.study.ClearField("trial_counts")
        case TrialChanged(trial=trial):
            message.trial.CopyFrom(trial_to(name, TrialRecord(trial=trial)))
        case TrialDeleted(number=number):
            message.deleted_trial.name = str(name.trial(number))
        case MeasurementReported(number=number, measurement=measurement):
            message.reported.name = str(name.trial(number))
            message.reported.measurement.CopyFrom(measurement_to(measurement))
    return message
