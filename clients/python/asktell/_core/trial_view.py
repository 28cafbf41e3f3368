"""A trial as the server last told it, and the parts of its message as plain values."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asktell._core.fields import Field, nonzero, optional, plain, texts, time
from asktell._core.html import trial_html
from asktell._core.shown import last_line
from asktell._core.values import decode_enum, decode_metrics, decode_params, decode_time, decode_value
from asktell.records import (
    Amendment,
    Belief,
    Measurement,
    MetricValue,
    Origin,
    Prediction,
    SupersededResult,
    TrialState,
)
from asktell.v1 import trial_pb2

# The columns of a row that every trial has: before the parameters and metrics, and behind them.
_FACTS = ("number", "state", "origin", "attempt")
_MORE_FACTS = ("duration_s", "reason", "worker_id", "create_time", "start_time", "finish_time")


def decode_state(code: int) -> TrialState:
    """A trial's state."""
    return decode_enum(TrialState, trial_pb2.TrialState, code, "TRIAL_STATE_")


def decode_origin(code: int) -> Origin:
    """Where a configuration came from."""
    return decode_enum(Origin, trial_pb2.Origin, code, "ORIGIN_")


def decode_measurement(wire: trial_pb2.Measurement) -> Measurement:
    """Metrics at one step."""
    return Measurement(step=wire.step, metrics=decode_metrics(wire.metrics), report_time=decode_time(wire.report_time))


def decode_prediction(wire: trial_pb2.Prediction) -> Prediction:
    """What the model believed."""
    return Prediction(
        mean=wire.mean,
        standard_deviation=wire.standard_deviation,
        acquisition_value=wire.acquisition_value,
        beliefs={
            name: Belief(mean=belief.mean, standard_deviation=belief.standard_deviation)
            for name, belief in sorted(wire.beliefs.items())
        },
    )


@dataclass(frozen=True, slots=True)
class Names:
    """A study's parameters and metrics in its order: maps have none on the wire."""

    params: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()


class TrialView(Mapping[str, Any]):
    """The properties of a trial, as of the last call that answered with it; `refresh()` reads it anew.

    It is a row of a table, too: `pandas.DataFrame(study.trials())`, `polars.DataFrame(study.trials())`, `dict(trial)`.
    The columns are those of `to_dict()`. Two trials are equal only if they are the same object.
    """

    def __init__(self, message: trial_pb2.Trial, names: Names = Names()) -> None:
        """Takes a message of the server's over; `names`: the study's parameters and metrics."""
        self._message = message
        self._names = names

    name = Field[str]("name", plain, doc="`projects/{project}/studies/{study}/trials/{number}`.")
    number = Field[int]("number", plain, doc="The number in its study, from 1.")
    reason = Field[str]("reason", plain, doc="Why it is FAILED, INFEASIBLE, CANCELLED, STOPPED or ABANDONED.")
    attempt = Field[int]("attempt", plain, doc="How many times it has been started.")
    worker_id = Field[str]("worker_id", plain, doc="Who runs or ran it.")
    create_time = Field[datetime | None]("create_time", time, doc="When it was created.")
    start_time = Field[datetime | None]("start_time", time, doc="When the current attempt started.")
    finish_time = Field[datetime | None]("finish_time", time, doc="When it ended.")
    labels = Field[dict[str, str]]("labels", texts, doc="Short, filterable.")
    annotations = Field[dict[str, str]]("annotations", texts, doc="Free values.")
    data_epoch = Field[int](
        "data_epoch",
        lambda trial, name: getattr(trial, name) or 1,  # 0: a server that knows of none
        doc="The study's data epoch when it was last started: the data that its result was measured on.",
    )
    remeasures = Field[int | None](
        "remeasures", nonzero, doc="The number of the trial whose configuration it measures again on new data."
    )
    note = Field[str]("note", plain, doc="Free text for people; see `set_note`.")
    import_key = Field[str]("import_key", plain, doc="The caller's key of an imported trial.")
    continue_from = Field[int | None](
        "continue_from", nonzero, doc="The number of the trial whose checkpoint it goes on from; None = it begins anew."
    )
    measurement_count = Field[int](
        "measurement_count", plain, doc="How many intermediate measurements have been reported."
    )

    violation = Field[float | None](
        "violation",
        optional,
        doc="By how much it misses the outcome constraints, as a share of the bounds; 0 = it keeps them. None without any.",
    )

    @property
    def message(self) -> trial_pb2.Trial:
        """The server's message as it came: every field of the contract, whether this client knows it or not."""
        return self._message

    @property
    def state(self) -> TrialState:
        """Where the trial stands."""
        return decode_state(self._message.state)

    @property
    def params(self) -> dict[str, Any]:
        """The configuration: a float, int, str or bool for each parameter, derived ones too, in the study's order."""
        return decode_params(self._message, self._names.params)

    @property
    def origin(self) -> Origin:
        """Where the configuration came from."""
        return decode_origin(self._message.origin)

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics that its study declares, objectives first."""
        return self._names.metrics

    @property
    def metrics(self) -> dict[str, float]:
        """The final metrics, or the last known ones of a STOPPED trial."""
        return decode_metrics(self._message.metrics, self._names.metrics)

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard errors of those metrics that were told with one."""
        told = self._message.metrics
        return {name: told[name].standard_error for name in self.metrics if told[name].HasField("standard_error")}

    @property
    def expected_metrics(self) -> dict[str, MetricValue]:
        """What a STOPPED trial was expected to come to: what the model learns of it. Empty where it has reported nothing."""
        expected = self._message.expected_metrics
        return {
            name: MetricValue(value, expected[name].standard_error)
            for name, value in decode_metrics(expected, self._names.metrics).items()
        }

    @property
    def duration_s(self) -> float | None:
        """How long the last attempt took, in seconds; None until it has ended."""
        started, ended = self.start_time, self.finish_time
        return None if started is None or ended is None else (ended - started).total_seconds()

    @property
    def prediction(self) -> Prediction | None:
        """What the model believed when it suggested the configuration."""
        return decode_prediction(self._message.prediction) if self._message.HasField("prediction") else None

    @property
    def amendments(self) -> list[Amendment]:
        """Earlier results that corrections replaced, oldest first."""
        return [
            Amendment(
                amend_time=decode_time(each.amend_time),
                previous_state=decode_state(each.previous_state),
                previous_metrics=decode_metrics(each.previous_metrics),
                previous_reason=each.previous_reason,
                reason=each.reason,
            )
            for each in self._message.amendments
        ]

    @property
    def superseded_results(self) -> list[SupersededResult]:
        """Late results of other attempts."""
        return [
            SupersededResult(
                tell_time=decode_time(each.tell_time),
                lease_id=each.lease_id,
                state=decode_state(each.state),
                metrics=decode_metrics(each.metrics),
                reason=each.reason,
            )
            for each in self._message.superseded_results
        ]

    def to_dict(self) -> dict[str, Any]:
        """One flat row: `number`, `state`, `param.lr`, `metric.loss`, …, named as in `asktell trials --csv`.

        Every parameter and metric of the study has its column, None where the trial has no value. `standard_error.…` and
        `label.…` are there for what was told with one.
        """
        params, metrics, errors = self.params, self.metrics, self.standard_errors
        names = self._names
        return {
            **{name: self._fact(name) for name in _FACTS},
            **{f"param.{name}": params.get(name) for name in dict.fromkeys((*names.params, *params))},
            **{f"metric.{name}": metrics.get(name) for name in dict.fromkeys((*names.metrics, *metrics))},
            **{f"standard_error.{name}": error for name, error in errors.items()},
            **{name: self._fact(name) for name in _MORE_FACTS},
            **{f"label.{name}": value for name, value in self.labels.items()},
        }

    def __getitem__(self, column: str) -> Any:
        """A value of `to_dict()`, of which it decodes no other."""
        group, dot, name = column.partition(".")
        if column in _FACTS or column in _MORE_FACTS:
            return self._fact(column)
        message, names = self._message, self._names
        # Looked for first: reading a map of messages at a name adds it.
        for params in (message.parameters, message.derived_parameters):
            if group == "param" and name in params:
                return decode_value(params[name])
        if group == "metric" and name in message.metrics:
            return message.metrics[name].value
        if group == "standard_error" and name in message.metrics and message.metrics[name].HasField("standard_error"):
            return message.metrics[name].standard_error
        if group == "label" and name in message.labels:
            return message.labels[name]
        if dot and name in {"param": names.params, "metric": names.metrics}.get(group, ()):
            return None
        raise KeyError(column)

    def _fact(self, name: str) -> Any:
        value = getattr(self, name)
        return value.value if isinstance(value, enum.Enum) else value

    def __iter__(self) -> Iterator[str]:
        """The columns of `to_dict()`."""
        return iter(self.to_dict())

    def __len__(self) -> int:
        """How many columns there are."""
        return len(self.to_dict())

    __eq__ = object.__eq__  # a mapping's would compare rows, and take the hash away
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        """Name, state, parameters, metrics, and the last line of why it failed."""
        result = f" {self.metrics}" if self._message.metrics else ""
        why = last_line(self.reason)
        return f"<{type(self).__name__} {self.name} {self.state} {self.params}{result}{f': {why}' if why else ''}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return trial_html(self)
