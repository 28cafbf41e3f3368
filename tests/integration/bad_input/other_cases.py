"""Bad requests of SuggestionService."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import Message

from asktell.v1 import study_pb2, suggestion_service_pb2, trial_pb2
from tests.integration.bad_input.cases import Case, World, changed, put
from tests.integration.bad_input.study_cases import BAD_ALGORITHMS, BAD_GOALS, BAD_OBJECTIVES, BAD_SPACES
from tests.integration.bad_input.trial_cases import BAD_PARAMETERS
from tests.support.rpc import algorithm, float_parameter, metrics, space, values

NAN = float("nan")


def _base(world: World) -> suggestion_service_pb2.SuggestRequest:
    request = suggestion_service_pb2.SuggestRequest()
    request.problem.search_space.CopyFrom(space(float_parameter("x")))
    request.problem.objectives.add(metric="loss", goal=study_pb2.GOAL_MINIMIZE)
    request.problem.algorithm.CopyFrom(algorithm("random"))
    for x in (0.25, 0.75):
        request.observations.add(parameters=values({"x": x}), metrics=metrics(x))
        request.pending.add(parameters=values({"x": x / 2}))
    return request


def _problem(**fields: Any) -> Any:
    """A request whose problem has these fields instead."""

    def build(world: World) -> suggestion_service_pb2.SuggestRequest:
        request = _base(world)
        for name, new in fields.items():
            request.problem.ClearField(name)  # type: ignore[arg-type]
            request.problem.MergeFrom(suggestion_service_pb2.Problem(**{name: new}))
        return request

    return build


def _suggest() -> Iterator[Case]:
    method = "SuggestionService.Suggest"

    def case(what: str, field: str, reason: str = "INVALID_FIELD", *, request: Any) -> Case:
        return Case(method=method, what=what, request=request, field=field, reason=reason)

    for what, bad_space, field, reason in BAD_SPACES:
        yield case(what, f"problem.{field}", reason, request=_problem(search_space=bad_space))
    for what, objectives, field, reason in BAD_OBJECTIVES:
        yield case(what, f"problem.{field}", reason, request=_problem(objectives=objectives))
    for what, fields, field, reason in BAD_GOALS:
        yield case(what, f"problem.{field}", reason, request=_problem(**fields))
    relative = study_pb2.OutcomeConstraint(metric="ms", max=1.0, of_baseline=True)
    yield case(
        "a constraint without a baseline trial",
        "problem.outcome_constraints[0].of_baseline",
        "INVALID_FIELD",
        request=_problem(outcome_constraints=[relative]),
    )
    for what, bad_algorithm, field, reason in BAD_ALGORITHMS:
        yield case(what, f"problem.{field}", reason, request=_problem(algorithm=bad_algorithm))
    no_problem = changed(_base, lambda request: request.ClearField("problem"))
    yield case("no problem", "problem.search_space.parameters", request=no_problem)
    for count in (-1, 1001):
        yield case(f"count {count}", "count", request=changed(_base, put("count", count)))
    for seed in (-1, 2**53):
        yield case(f"seed {seed}", "seed", request=changed(_base, put("seed", seed)))
    for what, (parameters, field, reason) in BAD_PARAMETERS.items():
        for where in ("observations", "pending"):

            def replace(request: Any, where: str = where, new: Any = parameters) -> None:
                owner = getattr(request, where)[1]
                owner.ClearField("parameters")
                for name, message in new.items():
                    owner.parameters[name].CopyFrom(message)

            yield case(f"{where} parameter {what}", f"{where}[1].{field}", reason, request=changed(_base, replace))

    for what, (parameters, field, reason) in BAD_PARAMETERS.items():

        def fix(request: Any, new: Any = parameters) -> None:
            for name, message in new.items():
                request.fixed_parameters[name].CopyFrom(message)

        if parameters:
            yield case(f"fixed parameter {what}", f"fixed_{field}", reason, request=changed(_base, fix))

    def observe(**fields: Any) -> Any:
        def change(request: Any) -> None:
            request.observations[1].ClearField("metrics")
            request.observations[1].MergeFrom(suggestion_service_pb2.Observation(**fields))

        return changed(_base, change)

    where = "observations[1]"
    yield case("observation without the objective", f"{where}.metrics", "MISSING_OBJECTIVE", request=observe())
    yield case("observation NaN", f"{where}.metrics[loss].value", "NOT_FINITE", request=observe(metrics=metrics(NAN)))
    error = {"loss": trial_pb2.Metric(value=1, standard_error=-1)}
    yield case(
        "observation with a negative error", f"{where}.metrics[loss].standard_error", request=observe(metrics=error)
    )
    for state in (trial_pb2.TRIAL_STATE_RUNNING, trial_pb2.TRIAL_STATE_CANCELLED, 77):
        yield case(
            f"observation of state {state}", f"{where}.state", request=observe(state=state, metrics=metrics(0.5))
        )

    def many(request: Any) -> None:
        request.pending.extend(request.pending[:1] * 1000)

    yield case("1,002 pending", "pending", request=changed(_base, many))

    def history(request: Any) -> None:
        request.observations.extend(request.observations[:1] * 20_000)

    yield case("20,002 observations", "observations", request=changed(_base, history))


def _of(message: Message) -> Callable[[World], Message]:
    return lambda world: message


CASES = [*_suggest()]
