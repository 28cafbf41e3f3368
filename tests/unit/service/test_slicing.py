"""Slices of a study's model: which points they have, and what is believed there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.linear_text import read_constraint
from asktell_server.domain.space import (
    CategoricalDomain,
    Condition,
    Configuration,
    DerivedParameter,
    FloatDomain,
    IntDomain,
    Parameter,
    Scale,
    SearchSpace,
)
from asktell_server.service.analysis.slicing import Sliced, SliceRequest
from asktell_server.store.memory import MemoryLedger
from tests.support.builders import NAME
from tests.unit.service.analysing import Here, bring
from tests.unit.service.conftest import HandClock, Services

UNIT = FloatDomain(min=0.0, max=1.0)
SPACE = SearchSpace(
    parameters=(
        Parameter(name="rate", domain=FloatDomain(min=1e-4, max=1.0, scale=Scale.LOG)),
        Parameter(name="depth", domain=IntDomain(min=1, max=4)),
        Parameter(name="kind", domain=CategoricalDomain(values=("plain", "tuned"))),
        Parameter(name="knob", domain=UNIT, condition=Condition(parent="kind", values=("tuned",))),
    ),
    derived=(DerivedParameter(name="twice", expression="2 * depth"),),
)


def _loss(one: Configuration) -> dict[str, float]:
    return {
        "loss": (math.log10(float(one["rate"])) + 2.0) ** 2
        + 0.3 * abs(float(one["depth"]) - 2.0)
        + (float(one["knob"]) - 0.25 if "knob" in one else 0.5)
    }


def _configurations(count: int) -> Iterator[Configuration]:
    for index in range(count):
        u, v, w = (math.modf((index + 1) * math.sqrt(prime))[0] for prime in (2, 3, 5))
        one: dict[str, Any] = {"rate": 10.0 ** (4 * u - 4), "depth": 1 + int(4 * v)}
        yield {**one, "kind": "tuned", "knob": w} if index % 2 else {**one, "kind": "plain"}


@pytest.fixture
def services(clock: HandClock) -> Services:
    """One server on an empty store, with the engine in this process."""
    return Services(MemoryLedger(clock), clock, Here())


async def _slice(services: Services, *parameters: str, **asked: Any) -> Sliced:
    request = SliceRequest(parameters=parameters, **{"reference": {}, "resolution": 0, "metric": "", **asked})
    return await services.use_cases.slicing.slice(NAME, request)


async def _study(services: Services, space: SearchSpace = SPACE) -> None:
    await services.create(space=space)
    await bring(services, list(_configurations(80)), _loss)


async def test_a_known_function_along_a_log_scale(services: Services) -> None:
    await _study(services)
    reference = {"depth": 2, "kind": "plain"}
    found = await _slice(services, "rate", reference=reference, resolution=9)
    rates = [float(one["rate"]) for one, _ in found.points]
    assert rates == pytest.approx([10.0 ** (place / 2 - 4) for place in range(9)])
    assert found.reference == reference
    assert found.result_count == 80
    for one, belief in found.points:
        assert {name: one[name] for name in reference} == reference
        assert belief.mean == pytest.approx(_loss(one)["loss"], abs=0.3)
        assert belief.standard_deviation > 0


async def test_the_reference_is_the_best_trial(services: Services) -> None:
    await _study(services)
    view, _ = await services.views.refresh(NAME)
    (best,) = view.best(1)
    found = await _slice(services, "depth")
    assert [one["depth"] for one, _ in found.points] == [1, 2, 3, 4]
    assert found.reference == {name: value for name, value in best.parameters.items() if name != "depth"}
    assert await _slice(services, "depth", reference={**best.parameters, **best.derived}) == found
    assert len((await _slice(services, "rate")).points) == 25


async def test_the_last_parameter_runs_fastest_and_has_what_is_there(services: Services) -> None:
    await _study(services)
    found = await _slice(services, "kind", "knob", reference={"rate": 0.01, "depth": 2}, resolution=3)
    assert [(one["kind"], one.get("knob")) for one, _ in found.points] == [
        *[("plain", None)] * 3,
        *[("tuned", knob) for knob in (0.0, 0.5, 1.0)],
    ]
    assert len({belief.mean for _, belief in found.points[:3]}) == 1
    assert [belief.mean for _, belief in found.points[3:]] == sorted(belief.mean for _, belief in found.points[3:])
    alone = await _slice(services, "kind", reference={"rate": 0.01, "depth": 2})
    assert [sorted(one) for one, _ in alone.points] == [
        ["depth", "kind", "rate"],
        ["depth", "kind", "knob", "rate"],
    ]


async def test_points_that_break_a_constraint_are_left_out(services: Services) -> None:
    space = SearchSpace(
        parameters=(Parameter(name="x", domain=UNIT), Parameter(name="y", domain=UNIT)),
        parameter_constraints=(read_constraint("x + y <= 1", field="c", names={"x", "y"}),),
    )
    await services.create(space=space)
    await bring(services, [{"x": 0.1 * n, "y": 0.3} for n in range(7)], lambda one: {"loss": float(one["x"])})
    found = await _slice(services, "x", "y", resolution=5)
    points = [(float(one["x"]), float(one["y"])) for one, _ in found.points]
    assert points == [(x / 4, y / 4) for x in range(5) for y in range(5) if x + y <= 4]


BAD: list[tuple[dict[str, Any], str, ErrorReason]] = [
    ({"parameters": []}, "parameters", ErrorReason.INVALID_FIELD),
    ({"parameters": ["rate", "depth", "kind"]}, "parameters", ErrorReason.INVALID_FIELD),
    ({"parameters": ["rate", "rate"]}, "parameters[1]", ErrorReason.INVALID_FIELD),
    ({"parameters": ["speed"]}, "parameters[0]", ErrorReason.INVALID_FIELD),
    ({"parameters": ["twice"]}, "parameters[0]", ErrorReason.INVALID_FIELD),
    ({"parameters": ["knob"], "reference": {"kind": "plain"}}, "parameters[0]", ErrorReason.INVALID_FIELD),
    ({"reference": {"kind": "plain", "knob": 0.5}}, "reference[knob]", ErrorReason.VALUE_OUTSIDE_SPACE),
    ({"reference": {"depth": 9}}, "reference[depth]", ErrorReason.VALUE_OUTSIDE_SPACE),
    ({"reference": {"speed": 9}}, "reference[speed]", ErrorReason.VALUE_OUTSIDE_SPACE),
    ({"resolution": 1}, "resolution", ErrorReason.INVALID_FIELD),
    ({"resolution": 201}, "resolution", ErrorReason.INVALID_FIELD),
    ({"resolution": -1}, "resolution", ErrorReason.INVALID_FIELD),
    ({"metric": "accuracy"}, "metric", ErrorReason.UNKNOWN_METRIC),
]


@pytest.mark.parametrize(("changes", "field", "reason"), BAD)
async def test_bad_questions_name_the_field(
    services: Services, changes: dict[str, Any], field: str, reason: ErrorReason
) -> None:
    await services.create(space=SPACE)
    asked = {"parameters": ["rate"], **changes}
    with pytest.raises(InvalidArgument) as caught:
        await _slice(services, *asked.pop("parameters"), **asked)
    assert (caught.value.field, caught.value.reason) == (field, reason)


async def test_a_slice_of_very_many_categories_is_refused(services: Services) -> None:
    many = CategoricalDomain(values=tuple(map(str, range(150))))
    space = SearchSpace(parameters=(Parameter(name="a", domain=many), Parameter(name="b", domain=many)))
    await services.create(space=space)
    with pytest.raises(InvalidArgument, match="22500 points"):
        await _slice(services, "a", "b")
