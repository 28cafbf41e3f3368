"""A study as the server last told it. The fields that are keyword arguments too encode themselves by the same lines."""

from __future__ import annotations

from datetime import UTC, datetime

from asktell._core import fidelity
from asktell._core import spec_codec as codec
from asktell._core.early_stopping_codec import decode_early_stopping, encode_early_stopping
from asktell._core.fields import Field, fields_of, nonzero, optional, plain, texts, time, unless_none
from asktell._core.html import study_html
from asktell._core.not_yet import STUDY, refuse
from asktell._core.space_codec import decode_domains, decode_space, encode_parameter_constraints, encode_space
from asktell._core.trial_view import Names
from asktell._core.values import decode_enum, encode_seconds, encode_texts, encode_time, real, text, whole
from asktell.early_stopping import EarlyStopping
from asktell.records import FinishReason, Reopening, StudyState, StudyWarning, TrialCounts
from asktell.spaces import Derived, Domain, ParameterValue
from asktell.spec import Algorithm, LeasePolicy, Metric, Objective, OutcomeConstraint, StoppingRules
from asktell.study_spec import StudyOptions
from asktell.v1 import study_pb2

_WHOLE = unless_none(whole)
_TEXTS = unless_none(encode_texts)


def names_of(study: study_pb2.Study) -> Names:
    """The parameters and the metrics, objectives first, in the order in which the study declares them."""
    return Names(
        params=(
            *(parameter.name for parameter in study.search_space.parameters),
            *(derived.name for derived in study.search_space.derived_parameters),
        ),
        metrics=(
            *dict.fromkeys(
                [each.metric for each in study.objectives] + [each.metric for each in study.outcome_constraints]
            ),
            *dict.fromkeys([*(each.metric for each in study.tracked_metrics), *filter(None, [study.cost_metric])]),
        ),
    )


class StudyView:
    """The properties of a study, as of the last call that answered with it; `refresh()` reads it anew."""

    def __init__(self, message: study_pb2.Study) -> None:
        """Takes a message of the server's over."""
        self._message = message

    name = Field[str]("name", plain, doc="`projects/{project}/studies/{study}`.")
    display_name = Field[str]("display_name", plain, unless_none(text), changeable=True, doc="A title for people.")
    space = Field[dict[str, Domain | Derived]]("search_space", decode_space, encode_space, doc="What may be varied.")
    parameter_constraints = Field[list[str]](
        "search_space.parameter_constraints",
        lambda space, name: list(getattr(space, name)),
        encode_parameter_constraints,
        doc="What sums of parameters must keep, such as `width + 2*depth <= 64`.",
    )
    objectives = Field[list[Objective]](
        "objectives", codec.decode_objectives, codec.encode_objectives, doc="What is optimised."
    )
    outcome_constraints = Field[list[OutcomeConstraint]](
        "outcome_constraints", codec.decode_constraints, codec.encode_constraints, doc="Bounds that good trials keep."
    )
    metrics = Field[list[Metric]](
        "tracked_metrics", codec.decode_metrics, codec.encode_metrics, doc="The further metrics that trials may log."
    )
    cost = Field[str | None]("cost_metric", nonzero, unless_none(text), doc="The metric that says what a trial cost.")
    total_cost = Field[float | None](
        "total_cost",
        optional,
        doc="What all trials that say so have cost; of a study that was read, with a cost metric.",
    )
    algorithm = Field[Algorithm](
        "algorithm", codec.decode_algorithm, codec.encode_algorithm, doc="How configurations are found."
    )
    max_trials = Field[int | None](
        "stopping_rules.max_trials", optional, _WHOLE, changeable=True, doc="The budget; None = no limit."
    )
    target = Field[float | dict[str, float] | None](
        "stopping_rules",
        codec.decode_target,
        codec.encode_target,
        changeable=True,
        mask=("stopping_rules.target_value", "stopping_rules.target_values"),
        doc="Ends the study when reached: a value of the objective, a hypervolume, or values by objective.",
    )
    patience = Field[int | None](
        "stopping_rules.patience_trials",
        optional,
        _WHOLE,
        changeable=True,
        doc="Ends the study after this many trials in a row without a gain.",
    )
    deadline = Field[datetime | None](
        "stopping_rules.deadline", time, encode_time, changeable=True, doc="Ends the study at this time, UTC."
    )
    min_expected_gain = Field[float | None](
        "stopping_rules.min_expected_gain",
        optional,
        unless_none(real),
        changeable=True,
        doc="Ends the study when the next 10 trials together are expected to gain less, in the objective's unit.",
    )
    lease_s = Field[float](
        "lease_policy.lease_duration",
        codec.decode_lease_s,
        unless_none(encode_seconds),
        doc="How long a trial stays with a worker that is not heard of, in seconds; 0 = for ever.",
    )
    max_attempts = Field[int](
        "lease_policy.max_attempts",
        codec.decode_max_attempts,
        _WHOLE,
        doc="How many times a trial is started before it is given up.",
    )
    max_running = Field[int | None](
        "max_running_trials",
        nonzero,
        _WHOLE,
        changeable=True,
        doc="The most trials that run at once; None = no limit.",
    )
    replicates = Field[int](
        "replicates",
        lambda study, name: getattr(study, name) or 1,  # 0: a server that knows of none
        _WHOLE,
        doc="How many times each configuration may be tried.",
    )
    max_staleness = Field[int | None](
        "max_staleness",
        optional,
        _WHOLE,
        changeable=True,
        doc="The most trials that may end between the making of a suggestion and its start; None = by how many run.",
    )
    baseline_trial = Field[int | None](
        "baseline_trial",
        nonzero,
        _WHOLE,
        changeable=True,
        doc="The trial that bounds with `of_baseline` refer to; None = the first imported one.",
    )
    early_stopping = Field[EarlyStopping | None](
        "early_stopping",
        decode_early_stopping,
        unless_none(encode_early_stopping),
        changeable=True,
        doc="When a running trial is told to stop; None = never.",
    )
    parents = Field[list[str]](
        "parents",
        lambda study, name: list(getattr(study, name)),
        unless_none(codec.encode_parents),
        doc="Ids of the earlier studies whose results it started from.",
    )
    reopenings = Field[list[Reopening]](
        "reopenings",
        lambda study, name: [
            Reopening(decay=each.decay, remeasured=tuple(each.remeasured), time=each.time.ToDatetime(tzinfo=UTC))
            for each in getattr(study, name)
        ],
        doc="When the data has changed: each begins a data epoch.",
    )
    data_epoch = Field[int](
        "data_epoch",
        lambda study, name: getattr(study, name) or 1,  # 0: a server that knows of none
        doc="The present data epoch: 1, and 1 more for each time it was reopened.",
    )
    seed = Field[int]("seed", plain, _WHOLE, doc="Seed of everything random in the study.")
    labels = Field[dict[str, str]]("labels", texts, _TEXTS, changeable=True, doc="Short, filterable.")
    annotations = Field[dict[str, str]]("annotations", texts, _TEXTS, changeable=True, doc="Free values.")
    note = Field[str]("note", plain, unless_none(text), changeable=True, doc="Free text for people.")
    create_time = Field[datetime | None]("create_time", time, doc="When it was created.")
    update_time = Field[datetime | None]("update_time", time, doc="When the study, not its trials, last changed.")
    finish_time = Field[datetime | None]("finish_time", time, doc="When it became FINISHED.")
    etag = Field[str]("etag", plain, doc="Changes with the specification or state.")
    cursor = Field[str]("cursor", plain, doc="Where `watch` goes on from to see only what comes after this reading.")
    configuration_count = Field[int | None](
        "configuration_count",
        optional,
        doc="The number of configurations in the space; None = infinite, or more than 2^53.",
    )

    @property
    def domains(self) -> dict[str, Domain]:
        """What may be varied, without what is derived from it."""
        return decode_domains(self._message.search_space)

    @property
    def whole(self) -> dict[str, ParameterValue]:
        """The fidelity and its highest value, by name, which the best trials have; empty where the space has none."""
        return fidelity.whole(self.domains)

    @property
    def only_goal(self) -> Objective | None:
        """The objective, where it alone says which trial is the best; None with several, and under outcome constraints."""
        return self.objectives[0] if len(self.objectives) == 1 and not self.outcome_constraints else None

    @property
    def id(self) -> str:
        """The last part of the name."""
        return self._message.name.rpartition("/")[2]

    @property
    def message(self) -> study_pb2.Study:
        """The server's message as it came: every field of the contract, whether this client knows it or not."""
        return self._message

    @property
    def state(self) -> StudyState:
        """Where the study stands."""
        return decode_enum(StudyState, study_pb2.StudyState, self._message.state, "STUDY_STATE_")

    @property
    def finish_reason(self) -> FinishReason:
        """Why the study is FINISHED."""
        return decode_enum(FinishReason, study_pb2.FinishReason, self._message.finish_reason, "FINISH_REASON_")

    @property
    def stopping(self) -> StoppingRules:
        """When the study ends."""
        return StoppingRules(
            max_trials=self.max_trials,
            target=self.target,
            patience=self.patience,
            deadline=self.deadline,
            min_expected_gain=self.min_expected_gain,
        )

    @property
    def lease(self) -> LeasePolicy:
        """What happens to trials of workers that die."""
        return LeasePolicy(duration_s=self.lease_s, max_attempts=self.max_attempts)

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
                place=each.place,
            )
            for each in self._message.warnings
        ]

    def to_go(self, trials: int | None = None) -> int | None:
        """How many trials are left of the budget, at most `trials`; None = no limit is known.

        With imported trials it may be too few: they use nothing of the budget up, and the counts do not tell them apart.
        """
        counts = self.counts
        left = None if self.max_trials is None else max(0, self.max_trials - (counts.ended - counts.cancelled))
        return left if trials is None else trials if left is None else min(left, trials)

    def __repr__(self) -> str:
        """Name, state, counts and budget, as of the last answer."""
        return f"<{type(self).__name__} {self.name} {', '.join(self._summary())}>"

    def _summary(self) -> list[str]:
        state = str(self.state)
        if self.finish_reason is not FinishReason.UNSPECIFIED:
            state += f" ({self.finish_reason})"
        counts = self.counts
        # Not "12 of 50": imported and cancelled trials have ended, and use nothing of the budget up.
        parts = [state, f"{counts.ended} trial{'' if counts.ended == 1 else 's'} ended"]
        parts += [
            f"{getattr(counts, name)} {name}" for name in ("failed", "running", "queued") if getattr(counts, name)
        ]
        if self.max_trials is not None:
            parts.append(f"budget {self.max_trials}")
        return parts

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return study_html(self, ", ".join(self._summary()))


STUDY_FIELDS: dict[str, Field[object]] = {field.name: field for field in fields_of(StudyView) if field.can_be_given}
"""What `create_study` takes, by name."""


_REQUIRED = ("space", "objectives")


def encode_study(options: StudyOptions) -> study_pb2.Study:
    """A study on the wire. Raises TypeError or ValueError naming the argument."""
    missing = [name for name in _REQUIRED if name not in options]
    if missing:
        raise TypeError(f"create_study() needs {' and '.join(missing)}")
    study = study_pb2.Study()
    for name, value in options.items():
        if name not in STUDY_FIELDS:
            refuse(STUDY, [name], "create_study")
            raise TypeError(f"create_study() knows no {name}; it takes {', '.join(STUDY_FIELDS)}")
        STUDY_FIELDS[name].put(study, value)
    return study
