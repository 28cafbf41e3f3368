"""What an ask may say beside how many trials it wants: one line here and one in the table for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from asktell._core.values import boolean, encode_configuration, text, whole
from asktell.spaces import ParameterValue
from asktell.v1 import trial_service_pb2


class AskOptions(TypedDict, total=False):
    """Keyword arguments of `Study.ask`; None, and what is not named, leave it to the client or server.

    Attributes:
        worker_id: who runs the trial; default: the client's.
        cost_aware: look for improvement per expected cost, of a study with a `cost` metric.
        fixed: values that the configurations must have, as in `fixed={"batch_size": 8}`; the others are chosen beside them. Each
            context parameter of the space is among them.
        continue_from: the number of a trial that SUCCEEDED or was STOPPED, whose checkpoint the trials are to go on from.
    """

    worker_id: str | None
    cost_aware: bool | None
    fixed: Mapping[str, ParameterValue] | None
    continue_from: int | None


_ENCODE: Mapping[str, tuple[str, Callable[[Any, str], Any]]] = {
    "worker_id": ("worker_id", text),
    "cost_aware": ("cost_aware", boolean),
    "fixed": ("fixed_parameters", encode_configuration),
    "continue_from": ("continue_from", whole),
}


def put_ask_options(request: trial_service_pb2.AskRequest, options: AskOptions) -> None:
    """Sets the options on a request. Raises TypeError or ValueError naming the argument."""
    for name, value in options.items():
        if name not in _ENCODE:
            raise TypeError(f"ask() knows no {name}; it takes {', '.join(_ENCODE)}")
        field, encode = _ENCODE[name]
        if value is not None and value != "":
            request.MergeFrom(trial_service_pb2.AskRequest(**{field: encode(value, name)}))
