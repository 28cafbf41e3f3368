"""What the plots of both clients share: finding the library, and what a plot is drawn from."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from asktell._core import methods
from asktell._core.flow import Flow
from asktell._core.studies import Caller, list_trials
from asktell._core.trial_view import Names, TrialView, decode_measurement
from asktell.errors import TrialNotFound
from asktell.records import Measurement
from asktell.v1 import trial_service_pb2

Module: TypeAlias = Literal["belief", "charts", "front", "output", "page", "parallel", "shares"]


def load_plotting(module: Module) -> Any:
    """A module of `asktell.plotting`. Raises ModuleNotFoundError: Altair is not installed, and how to install it."""
    try:
        return importlib.import_module(f"asktell.plotting.{module}")
    except ModuleNotFoundError as error:
        if error.name != "altair":
            raise
        raise ModuleNotFoundError(
            "plots need Altair, which is not installed: pip install 'asktell[plot]'", name="altair"
        ) from None


def read_trials(caller: Caller, study: str, names: Names) -> Flow[list[TrialView]]:
    """All trials, without what they reported."""
    messages = yield from list_trials(caller, study, trial_service_pb2.TrialFilter())
    return [TrialView(message, names) for message in messages]


def read_curves(caller: Caller, study: str, names: Names) -> Flow[list[tuple[TrialView, Sequence[Measurement]]]]:
    """All trials with what they reported: a call for each one that has reported anything."""
    found: list[tuple[TrialView, Sequence[Measurement]]] = []
    for trial in (yield from read_trials(caller, study, names)):
        request = trial_service_pb2.GetTrialRequest(name=trial.name)
        # A running trial's count may be of before its first report.
        if trial.measurement_count or not trial.state.has_ended:
            try:
                message = yield from caller(methods.GET_TRIAL, request)
            except TrialNotFound:
                continue  # deleted meanwhile
            found.append((TrialView(message, names), [decode_measurement(each) for each in message.measurements]))
        else:
            found.append((trial, []))
    return found
