"""Bad requests of AnalysisService."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import Message

from asktell.v1 import analysis_service_pb2, suggestion_service_pb2
from tests.integration.bad_input.cases import BAD_STUDIES, Case, World, changed, names, put, unknown_study
from tests.integration.bad_input.trial_cases import BAD_PARAMETERS
from tests.support.rpc import values


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


def _base(request_type: type[Message]) -> Callable[[World], Message]:
    return lambda world: request_type(parent=world.study.name)


def _by_metric() -> Iterator[Case]:
    for method in ("GetImportances", "CrossValidate"):
        base = _base(getattr(analysis_service_pb2, f"{method}Request"))
        name = f"AnalysisService.{method}"
        yield from names(name, base, "parent", BAD_STUDIES)
        yield unknown_study(name, base, "parent")
        yield _too_few(name, base)
        yield _unknown_metric(name, base)


def _slice() -> Iterator[Case]:
    method = "AnalysisService.GetSlice"

    def base(world: World) -> analysis_service_pb2.GetSliceRequest:
        return analysis_service_pb2.GetSliceRequest(parent=world.study.name, parameters=["x"])

    yield from names(method, base, "parent", BAD_STUDIES)
    yield unknown_study(method, base, "parent")
    yield _too_few(method, base)
    yield _unknown_metric(method, base)
    for what, parameters, field in (
        ("none", [], "parameters"),
        ("three", ["x", "y", "z"], "parameters"),
        ("unknown", ["y"], "parameters[0]"),
        ("twice", ["x", "x"], "parameters[1]"),
        ("oversize", ["y" * 100_000], "parameters[0]"),
    ):

        def replace(request: Any, new: Any = parameters) -> None:
            request.ClearField("parameters")
            request.parameters.extend(new)

        yield Case(method=method, what=f"parameters {what}", request=changed(base, replace), field=field)
    for resolution in (-1, 1, 201):
        request = changed(base, put("resolution", resolution))
        yield Case(method=method, what=f"resolution {resolution}", request=request, field="resolution")
    for what, (reference, field, reason) in BAD_PARAMETERS.items():
        if what == "missing":  # the best trial's is taken
            continue

        def refer(request: Any, new: Any = reference) -> None:
            for name, message in new.items():
                request.reference[name].CopyFrom(message)

        yield Case(
            method=method,
            what=f"reference {what}",
            request=changed(base, refer),
            field=field.replace("parameters", "reference"),
            reason=reason,
        )


def _trade_offs() -> Iterator[Case]:
    method = "AnalysisService.GetTradeOffs"
    base = _base(analysis_service_pb2.GetTradeOffsRequest)
    yield from names(method, base, "parent", BAD_STUDIES)
    yield unknown_study(method, base, "parent")
    yield _too_few(method, base)


def _health() -> Iterator[Case]:
    method = "AnalysisService.GetHealth"
    base = _base(analysis_service_pb2.GetHealthRequest)
    yield from names(method, base, "parent", BAD_STUDIES)
    yield unknown_study(method, base, "parent")


CASES = [*_predict(), *_by_metric(), *_slice(), *_trade_offs(), *_health()]
