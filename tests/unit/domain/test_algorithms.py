"""Grid sizes and the limits of algorithm settings."""

from __future__ import annotations

import pytest

from asktell_server.domain.algorithm import (
    ALGORITHMS,
    DEFAULT_START_TRIALS,
    Algorithm,
    Auto,
    Bayesian,
    Grid,
    Manual,
    Random,
    Sobol,
)
from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.space import (
    BoolDomain,
    CategoricalDomain,
    DiscreteDomain,
    Domain,
    FloatDomain,
    IntDomain,
    Parameter,
    SearchSpace,
)


def _space(**domains: Domain) -> SearchSpace:
    return SearchSpace(parameters=tuple(Parameter(name=name, domain=domain) for name, domain in domains.items()))


SPACE = _space(
    lr=FloatDomain(min=0.0, max=1.0),
    dropout=FloatDomain(min=0.0, max=0.5, step=0.1),
    layers=IntDomain(min=1, max=4),
    width=IntDomain(min=1, max=1000),
    rank=DiscreteDomain(values=(4, 8, 16)),
    optimizer=CategoricalDomain(values=("adam", "sgd")),
    bias=BoolDomain(),
)


@pytest.mark.parametrize(
    ("name", "count"),
    [("lr", 5), ("dropout", 6), ("layers", 4), ("width", 5), ("rank", 3), ("optimizer", 2), ("bias", 2)],
)
def test_levels_by_default(name: str, count: int) -> None:
    (parameter,) = (parameter for parameter in SPACE.parameters if parameter.name == name)
    assert Grid().levels_of(parameter) == count


def test_the_size_is_the_product_of_the_levels() -> None:
    assert Grid().size(SPACE) == 5 * 6 * 4 * 5 * 3 * 2 * 2
    assert Grid(default_levels=10).size(SPACE) == 10 * 6 * 4 * 10 * 3 * 2 * 2
    assert Grid(levels={"lr": 7, "layers": 2}).size(SPACE) == 7 * 6 * 2 * 5 * 3 * 2 * 2


@pytest.mark.parametrize(
    ("grid", "field"),
    [
        (Grid(default_levels=1), "grid.default_levels"),
        (Grid(default_levels=-5), "grid.default_levels"),
        (Grid(default_levels=1001), "grid.default_levels"),
        (Grid(levels={"momentum": 3}), "grid.levels[momentum]"),
        (Grid(levels={"lr": 1}), "grid.levels[lr]"),
        (Grid(levels={"lr": 1001}), "grid.levels[lr]"),
        (Grid(levels={"layers": 5}), "grid.levels[layers]"),
        (Grid(levels={"dropout": 7}), "grid.levels[dropout]"),
        (Grid(levels={"rank": 2}), "grid.levels[rank]"),
        (Grid(levels={"optimizer": 3}), "grid.levels[optimizer]"),
    ],
)
def test_bad_levels_are_refused_by_field(grid: Grid, field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        grid.validate(SPACE, "grid")
    assert caught.value.field == field
    assert caught.value.reason is ErrorReason.INVALID_FIELD


def test_a_grid_of_a_million_points_is_the_largest() -> None:
    space = _space(**{f"p{index}": FloatDomain(min=0.0, max=1.0) for index in range(6)})
    Grid(default_levels=10).validate(space, "grid")
    with pytest.raises(InvalidArgument, match="1,771,561 points") as caught:
        Grid(default_levels=11).validate(space, "study.algorithm.grid")
    assert caught.value.reason is ErrorReason.GRID_TOO_LARGE
    assert caught.value.metadata == {"field": "study.algorithm.grid", "size": "1771561", "limit": "1000000"}


def test_a_hundred_parameters_make_a_grid_that_is_refused_and_not_built() -> None:
    space = _space(**{f"p{index}": FloatDomain(min=0.0, max=1.0) for index in range(100)})
    with pytest.raises(InvalidArgument) as caught:
        Grid().validate(space, "grid")
    assert caught.value.metadata["size"] == str(5**100)


@pytest.mark.parametrize("start_trials", [-1, 0, 1001])
def test_start_trials_have_limits(start_trials: int) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Bayesian(start_trials=start_trials).validate(SPACE, "bayesian")
    assert caught.value.field == "bayesian.start_trials"
    Bayesian(start_trials=1).validate(SPACE, "bayesian")
    Bayesian(start_trials=1000).validate(SPACE, "bayesian")


def test_each_kind_has_its_settings() -> None:
    assert {kind.kind: kind for kind in (Auto, Bayesian, Grid, Manual, Random, Sobol)} == ALGORITHMS


@pytest.mark.parametrize(
    ("algorithm", "uses_model", "start_trials"),
    [
        (Auto(), True, DEFAULT_START_TRIALS),
        (Bayesian(start_trials=9), True, 9),
        (Grid(), False, 0),
        (Manual(), False, 0),
        (Random(), False, 0),
        (Sobol(), False, 0),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_what_uses_a_model_has_a_start_and_is_prepared_ahead(
    algorithm: Algorithm, uses_model: bool, start_trials: int
) -> None:
    assert algorithm.uses_model is algorithm.prepares_ahead is uses_model
    assert algorithm.start_trials == start_trials


def test_manual_search_alone_waits_for_people() -> None:
    assert [kind for kind, settings in ALGORITHMS.items() if not settings.suggests] == ["manual"]


def test_a_grid_alone_has_axes() -> None:
    assert Grid(levels={"lr": 7}).grid_axes(SPACE) == [7, 6, 4, 5, 3, 2, 2]
    assert all(settings().grid_axes(SPACE) is None for kind, settings in ALGORITHMS.items() if kind != "grid")
