"""A table whose rows come one by one: its columns are measured before there is any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asktell._core.shown import short
from asktell._core.study_view import StudyView
from asktell._core.trial_view import TrialView
from asktell.cli.output import Best, metrics_of
from asktell.cli.tables.columns import Column, trial_columns
from asktell.cli.tables.layout import Cells, Shape, fit, shorten
from asktell.records import Measurement, TrialState
from asktell.spaces import Bool, Derived, Domain, Float, Int

_METRIC = "-0.123457"
_FLOAT = "1.235e-05"


@dataclass(frozen=True, slots=True)
class StreamedTable:
    """Rows for trials, and for what running ones report, under one header."""

    shape: Shape
    columns: Sequence[Column]

    def row(self, trial: TrialView) -> str:
        """The line of a trial as it is now."""
        return self._line({column.key: column.cell(trial) for column in self.columns})

    def report(self, number: int, measurement: Measurement) -> str:
        """The line of a report: its step stands where a trial has its state."""
        values = {f"metric.{name}": short(value) for name, value in measurement.metrics.items()}
        return self._line({"number": str(number), "state": f"step {measurement.step}", **values})

    def deleted(self, number: int) -> str:
        """The line of a trial that is no more."""
        return self._line({"number": str(number), "state": "DELETED"})

    def _line(self, texts: dict[str, str]) -> str:
        cells = [
            text if cells.right else shorten(text, width)
            for text, cells, width in zip(
                (texts.get(column.key, "") for column in self.columns),
                self.shape.columns,
                self.shape.widths,
                strict=False,  # the columns that do not fit have no cells
            )
        ]
        return self.shape.line(cells)


def streamed_table(study: StudyView, width: int) -> StreamedTable:
    """The table of a study that is being followed, for a terminal of so many characters."""
    columns = [
        column
        for column in trial_columns(study, Best())
        if column.key in {"number", "state", "reason"} or column.key.startswith(("metric.", "param."))
    ]
    samples = {
        "number": ["9999"],
        "state": [max((state.value for state in TrialState if state is not TrialState.UNSPECIFIED), key=len)],
        "reason": [" " * width],  # all that is left of the line
        **{f"metric.{each.name}": [_METRIC] for each in metrics_of(study)},
        **{f"param.{name}": _widest(domain) for name, domain in study.space.items()},
    }
    cells = [
        Cells(header=column.header, values=samples[column.key], right=column.right, rest=column.rest)
        for column in columns
    ]
    return StreamedTable(fit(cells, width), columns)


def _widest(domain: Domain | Derived) -> list[str]:
    match domain:
        case Float() | Derived():
            return [_FLOAT]
        case Int():
            return [str(domain.min), str(domain.max)]
        case Bool():
            return ["false"]
        case _:
            return [short(value) for value in domain.values]
