"""Trials as data frames of pandas or polars, neither of which the client depends on."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from asktell._core.trial_view import Names, TrialView
from asktell.v1 import trial_pb2

FrameMaker: TypeAlias = Callable[[Sequence[trial_pb2.Trial], Names], Any]

_TIMES = ("create_time", "start_time", "finish_time")


def frame_maker(library: str | None) -> FrameMaker:
    """How trials become a frame of the library; None = of pandas, or of polars where pandas is not installed.

    Raises:
        ModuleNotFoundError: it is not installed. ValueError: it is neither.
    """
    if library is not None and library not in _MAKERS:
        raise ValueError(f"library must be 'pandas', 'polars' or None, got {library!r}")
    for name in [library] if library else list(_MAKERS):
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        make = _MAKERS[name]
        return lambda trials, names: make(module, _columns(trials, names), names)
    wanted = library or "pandas or polars"
    raise ModuleNotFoundError(
        f"dataframe() needs {wanted}, which is not installed: pip install {library or 'pandas'}",
        name=library or "pandas",
    )


def _columns(trials: Sequence[trial_pb2.Trial], names: Names) -> dict[str, list[Any]]:
    rows = [TrialView(trial, names).to_dict() for trial in trials]
    # Of an empty study, the columns that every trial has.
    first = TrialView(trial_pb2.Trial(), names).to_dict()
    found = dict.fromkeys(column for row in (first, *rows) for column in row)
    return {column: [row.get(column) for row in rows] for column in found}


def _pandas(pandas: Any, columns: dict[str, list[Any]], names: Names) -> Any:
    frame = pandas.DataFrame(columns)
    numbers = dict.fromkeys((*(f"metric.{name}" for name in names.metrics), "duration_s"), "float64")
    return frame.astype({**numbers, **dict.fromkeys(_TIMES, "datetime64[us, UTC]")})


def _polars(polars: Any, columns: dict[str, list[Any]], names: Names) -> Any:
    numbers = dict.fromkeys((*(f"metric.{name}" for name in names.metrics), "duration_s"), polars.Float64)
    times = dict.fromkeys(_TIMES, polars.Datetime("us", "UTC"))
    return polars.DataFrame(
        {column: _of_one_type(values) for column, values in columns.items()},
        schema_overrides={**numbers, **times},
        infer_schema_length=None,
    )


def _of_one_type(values: list[Any]) -> list[Any]:
    """A column of polars has one type: values of several become texts."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) < 2 or kinds == {int, float}:
        return values
    return [None if value is None else str(value) for value in values]


_MAKERS: dict[str, Callable[[Any, dict[str, list[Any]], Names], Any]] = {"pandas": _pandas, "polars": _polars}
