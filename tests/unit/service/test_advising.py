"""Warnings about a study that is being created, which take a look at its configurations."""

from __future__ import annotations

import pytest

from asktell_server.domain.algorithm import Algorithm, Auto, Grid, Random
from asktell_server.domain.comparing import WantedStudy
from asktell_server.domain.errors import FailedPrecondition
from asktell_server.domain.linear_text import read_constraint
from asktell_server.domain.space import CategoricalDomain, Condition, FloatDomain, Parameter, SearchSpace
from asktell_server.domain.warning import WarningKind
from asktell_server.service.advising import advice
from tests.support.builders import NAME, a_study
from tests.unit.service.conftest import Services

BETWEEN = ("a + b >= 0.55", "a + b <= 0.7")
"""No sum of two quarters lies there."""


def a_space(*constraints: str, conditional: bool = False) -> SearchSpace:
    """Two floats whose grids of five values are quarters, with constraints on them; `b` may exist beside one choice alone."""
    condition = Condition(parent="c", values=("x",)) if conditional else None
    return SearchSpace(
        parameters=(
            Parameter(name="a", domain=FloatDomain(min=0.0, max=1.0)),
            Parameter(name="b", domain=FloatDomain(min=0.0, max=1.0), condition=condition),
            Parameter(name="c", domain=CategoricalDomain(values=("x", "y"))),
        ),
        parameter_constraints=tuple(read_constraint(text, field="space") for text in constraints),
    )


async def test_a_grid_of_which_no_point_keeps_the_constraints() -> None:
    (warning,) = await advice(a_study(space=a_space(*BETWEEN), algorithm=Grid()))
    assert (warning.kind, warning.field) == (WarningKind.COARSE_GRID, "algorithm.grid")
    assert "no point of the grid keeps a + b >= 0.55 and a + b <= 0.7" in warning.message


@pytest.mark.parametrize(
    ("space", "algorithm"),
    [
        (a_space(*BETWEEN), Grid(levels={"a": 6})),  # 0.2 + 0.5 is one
        (a_space("a + b <= 0.7"), Grid()),
        (a_space(), Grid()),
        (a_space(*BETWEEN, conditional=True), Grid()),  # beside the other choice the constraints say nothing
        (a_space(*BETWEEN), Random()),
        (a_space(*BETWEEN), Auto()),
    ],
)
async def test_what_has_something_to_try_has_no_warning(space: SearchSpace, algorithm: Algorithm) -> None:
    assert list(await advice(a_study(space=space, algorithm=algorithm))) == []


async def test_it_comes_with_the_answer_and_is_right(services: Services) -> None:
    study = a_study(space=a_space(*BETWEEN), algorithm=Grid())
    wanted = WantedStudy(study=study)
    answers = [
        await services.studies.check(wanted),
        await services.studies.create(wanted, exist_ok=False, request=None),
        await services.studies.create(wanted, exist_ok=True, request=None),
    ]
    assert [[each.kind for each in answer.warnings] for answer in answers] == [[WarningKind.COARSE_GRID]] * 3
    with pytest.raises(FailedPrecondition) as complete:
        await services.ask()
    assert complete.value.metadata["finish_reason"] == "EXHAUSTED"
    assert (await services.views.refresh(NAME))[0].study.finish_reason == "EXHAUSTED"
