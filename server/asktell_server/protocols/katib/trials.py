"""Katib's trials as results, and as configurations that run."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from asktell_server.domain.metrics import Metric
from asktell_server.domain.space import Configuration
from asktell_server.domain.trial import Result, TrialState
from asktell_server.pace import in_pieces
from asktell_server.protocols.katib.parameters import Parameters
from asktell_server.protocols.katib.wire import api_pb2
from asktell_server.service.suggesting import TriedConfiguration

METRIC = "objective"
"""What the objective is called here, whatever it is called in Katib."""

_WITH_VALUE = {
    api_pb2.TrialStatus.SUCCEEDED: TrialState.SUCCEEDED,
    api_pb2.TrialStatus.EARLYSTOPPED: TrialState.STOPPED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What an experiment has tried. `running` also has what ended and says nothing: it need not be tried again."""

    tried: list[TriedConfiguration]
    running: list[Configuration]


async def history_of(trials: Collection[api_pb2.Trial], parameters: Parameters, metric: str) -> History:
    """Reads an experiment's trials. Those outside its space are left out, and so are killed ones."""
    history = History(tried=[], running=[])

    def read(trial: api_pb2.Trial) -> None:
        configuration = parameters.configuration(trial.spec.parameter_assignments.assignments)
        if configuration is None or trial.status.condition == api_pb2.TrialStatus.KILLED:
            return
        result = _result(trial.status, metric)
        if result is None:
            history.running.append(configuration)
        else:
            history.tried.append(TriedConfiguration(parameters=configuration, result=result))

    await in_pieces(read, trials)
    return history


def _result(status: api_pb2.TrialStatus, metric: str) -> Result | None:
    if status.condition == api_pb2.TrialStatus.FAILED:
        return Result(state=TrialState.FAILED, metrics={})
    state = _WITH_VALUE.get(status.condition)
    value = _value(status.observation, metric)
    if state is None or value is None:
        return None
    return Result(state=state, metrics={METRIC: Metric(value=value)})


def _value(observation: api_pb2.Observation, name: str) -> float | None:
    """The metric's value; None where it is missing or, as Katib writes it, "unavailable"."""
    for metric in observation.metrics:
        if metric.name == name:
            try:
                value = float(metric.value)
            except ValueError:
                return None
            return value if math.isfinite(value) else None
    return None
