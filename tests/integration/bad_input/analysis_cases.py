"""Bad requests of AnalysisService."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import Message

from asktell.v1 import analysis_service_pb2, suggestion_service_pb2
from tests.integration.bad_input.cases import BAD_STUDIES, Case, World, changed, names, put, unknown_study
from tests.integration.bad_input.trial_cases import BAD_PARAMETERS
from tests.support.rpc import values

NOT_YET = ("GetImportances", "GetSlice", "CrossValidate", "GetTradeOffs", "GetHealth")


def _predict() -> Iterator[Case]:
    method = "AnalysisService.PredictOutcomes"

    def base(world: World) -> analysis_service_pb2.PredictOutcomesRequest:
        known = suggestion_service_pb2.Configuration(parameters=values({"x": 0.5}))
        return analysis_service_pb2.PredictOutcomesRequest(parent=world.study.name, configurations=[known, known])

    yield from names(method, base, "parent", BAD_STUDIES)
    yield unknown_study(method, base, "parent")
    yield _too_few(method, base)
    yield _unknown_metric(method, base)
    nothing = changed(base, lambda request: request.ClearField("configurations"))
    yield Case(method=method, what="no configurations", request=nothing, field="configurations")
    for what, (parameters, field, reason) in BAD_PARAMETERS.items():

        def replace(request: Any, new: Any = parameters) -> None:
            request.configurations[1].ClearField("parameters")
            for name, message in new.items():
                request.configurations[1].parameters[name].CopyFrom(message)

        yield Case(
            method=method,
            what=f"parameter {what}",
            request=changed(base, replace),
            field=f"configurations[1].{field}",
            reason=reason,
        )


def _too_few(method: str, base: Any) -> Case:
    """The study has one result."""
    return Case(
        method=method,
        what="too few results",
        request=base,
        field=None,
        reason="TOO_FEW_RESULTS",
        code="FAILED_PRECONDITION",
    )


def _unknown_metric(method: str, base: Any) -> Case:
    return Case(
        method=method,
        what="unknown metric",
        request=changed(base, put("metric", "perplexity")),
        field="metric",
        reason="UNKNOWN_METRIC",
    )


def _of(message: Message) -> Callable[[World], Message]:
    return lambda world: message


def _not_yet() -> Iterator[Case]:
    for method in NOT_YET:
        message = getattr(analysis_service_pb2, f"{method}Request")(parent="studies/a")
        yield Case(
            method=f"AnalysisService.{method}",
            what="anything",
            request=_of(message),
            field=f"asktell.v1.AnalysisService.{method}",
            reason="NOT_SUPPORTED",
            code="UNIMPLEMENTED",
        )


CASES = [*_predict(), *_not_yet()]
