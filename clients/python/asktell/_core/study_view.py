"""A study as the server last told it."""

from __future__ import annotations

from datetime import datetime

from asktell._core import spec_codec as codec
from asktell._core.values import decode_enum, decode_time
from asktell.records import FinishReason, StudyState, StudyWarning, TrialCounts
from asktell.spaces import Domain
from asktell.spec import Algorithm, LeasePolicy, Metric, Objective, StoppingRules
from asktell.v1 import study_pb2


class StudyView:
    """The properties of a study, as of the last call that answered with it; `refresh()` reads it anew."""

    def __init__(self, message: study_pb2.Study) -> None:
        """Takes a message of the server's over."""
        self._message = message

    @property
    def name(self) -> str:
        """`projects/{project}/studies/{study}`."""
        return self._message.name

    @property
    def id(self) -> str:
        """The last part of the name."""
        return self._message.name.rpartition("/")[2]

    @property
    def display_name(self) -> str:
        """A title for people."""
        return self._message.display_name

    @property
    def state(self) -> StudyState:
        """Where the study stands."""
        return decode_enum(StudyState, study_pb2.StudyState, self._message.state, "STUDY_STATE_")

    @property
    def finish_reason(self) -> FinishReason:
        """Why the study is FINISHED."""
        return decode_enum(FinishReason, study_pb2.FinishReason, self._message.finish_reason, "FINISH_REASON_")

    @property
    def space(self) -> dict[str, Domain]:
        """What may be varied."""
        return codec.decode_space(self._message.search_space)

    @property
    def objectives(self) -> list[Objective]:
        """What is optimised."""
        return codec.decode_objectives(self._message.objectives)

    @property
    def metrics(self) -> list[Metric]:
        """The further metrics that trials may log."""
        return codec.decode_metrics_declared(self._message.tracked_metrics)

    @property
    def algorithm(self) -> Algorithm:
        """How configurations are found."""
        return codec.decode_algorithm(self._message.algorithm)

    @property
    def stopping(self) -> StoppingRules:
        """When the study ends."""
        return codec.decode_stopping(self._message.stopping_rules)

    @property
    def lease(self) -> LeasePolicy:
        """What happens to trials of workers that die."""
        return codec.decode_lease(self._message.lease_policy)

    @property
    def max_running(self) -> int | None:
        """The most trials that run at once; None = no limit."""
        return self._message.max_running_trials or None

    @property
    def replicates(self) -> int:
        """How many times each configuration may be tried."""
        return self._message.replicates or 1  # 0: a server that knows of none

    @property
    def max_staleness(self) -> int | None:
        """The most trials that may end between the making of a suggestion and its start; None = by how many run."""
        return self._message.max_staleness if self._message.HasField("max_staleness") else None

    @property
    def seed(self) -> int:
        """Seed of everything random in the study."""
        return self._message.seed

    @property
    def labels(self) -> dict[str, str]:
        """Short, filterable."""
        return dict(self._message.labels)

    @property
    def annotations(self) -> dict[str, str]:
        """Free values."""
        return dict(self._message.annotations)

    @property
    def counts(self) -> TrialCounts:
        """How many trials are in which state."""
        counts = self._message.trial_counts
        return TrialCounts(**{name: getattr(counts, name) for name in TrialCounts.__slots__})

    @property
    def warnings(self) -> list[StudyWarning]:
        """What is allowed and usually a mistake."""
        return [
            StudyWarning(
                kind=study_pb2.WarningKind.Name(each.kind).removeprefix("WARNING_KIND_"),
                field=each.field,
                message=each.message,
            )
            for each in self._message.warnings
        ]

    @property
    def create_time(self) -> datetime | None:
        """When it was created."""
        return decode_time(self._message.create_time)

    @property
    def update_time(self) -> datetime | None:
        """When the study itself, not its trials, last changed."""
        return decode_time(self._message.update_time)

    @property
    def finish_time(self) -> datetime | None:
        """When it became FINISHED."""
        return decode_time(self._message.finish_time)

    @property
    def etag(self) -> str:
        """Changes with the specification or state."""
        return self._message.etag

    @property
    def cursor(self) -> str:
        """Where `watch` goes on from to see only what comes after this reading."""
        return self._message.cursor

    @property
    def configuration_count(self) -> int | None:
        """The number of configurations in the space; None = infinite, or more than 2^53."""
        return self._message.configuration_count if self._message.HasField("configuration_count") else None

    def __repr__(self) -> str:
        """Name, state and counts."""
        return (
            f"<{type(self).__name__} {self.name} {self.state} {self.counts.ended} of {self.counts.total} trials ended>"
        )
