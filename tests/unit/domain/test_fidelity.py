"""The levels of a fidelity, what trials cost there, and what is refused."""

from __future__ import annotations

import pytest

from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.fidelity import is_at_target, levels_of, target_of
from asktell_server.domain.linear_text import read_constraint
from asktell_server.domain.space import (
    BoolDomain,
    CategoricalDomain,
    Condition,
    DiscreteDomain,
    Domain,
    Fidelity,
    FloatDomain,
    IntDomain,
    NormalPrior,
    Parameter,
    Scale,
    SearchSpace,
)
from asktell_server.domain.study import StoppingRules
from tests.support.builders import a_study

LR = Parameter(name="lr", domain=FloatDomain(min=0.0, max=1.0))


def _fidelity(domain: Domain, **settings: float) -> Parameter:
    return Parameter(name="r", domain=domain, fidelity=Fidelity(**settings))


EPOCHS = _fidelity(IntDomain(min=1, max=81))


@pytest.mark.parametrize(
    ("parameter", "levels"),
    [
        (EPOCHS, (1, 3, 9, 27, 81)),
        (_fidelity(IntDomain(min=5, max=81)), (9, 27, 81)),
        (_fidelity(IntDomain(min=1, max=100), reduction_factor=4), (2, 6, 25, 100)),
        (_fidelity(IntDomain(min=10, max=104, step=10), reduction_factor=2), (10, 30, 50, 100)),
        (_fidelity(IntDomain(min=60, max=81)), (81,)),
        (_fidelity(FloatDomain(min=0.1, max=0.9)), (0.1, 0.3, 0.9)),
        (_fidelity(FloatDomain(min=0.1, max=1.0, step=0.1), reduction_factor=2), (0.1, 0.2, 0.5, 1.0)),
        (_fidelity(DiscreteDomain(values=(64, 128, 224))), (64, 128, 224)),
        # A tenth of the cost is fixed: a third of the cost is a fourth of the epochs, and a ninth is one.
        (_fidelity(IntDomain(min=1, max=81), fixed_cost_share=0.1), (1, 21, 81)),
        (_fidelity(IntDomain(min=1, max=81), fixed_cost_share=0.9), (81,)),
    ],
)
def test_levels_are_one_factor_apart_in_cost(parameter: Parameter, levels: tuple[float, ...]) -> None:
    SearchSpace(parameters=(LR, parameter)).validate("space")
    assert levels_of(parameter) == pytest.approx(levels)
    assert levels_of(parameter)[-1] == target_of(parameter)
    assert [type(level) for level in levels_of(parameter)] == [type(target_of(parameter))] * len(levels)
    for level in levels_of(parameter):
        assert parameter.domain.normalize(level) == level


def test_the_whole_is_the_highest_value() -> None:
    space = SearchSpace(parameters=(LR, EPOCHS))
    assert space.fidelity is EPOCHS
    assert is_at_target(space, {"lr": 0.5, "r": 81})
    assert not is_at_target(space, {"lr": 0.5, "r": 80})
    assert is_at_target(SearchSpace(parameters=(LR,)), {"lr": 0.5})


@pytest.mark.parametrize(
    ("parameter", "field", "message"),
    [
        (_fidelity(BoolDomain()), "fidelity", "is a number"),
        (_fidelity(CategoricalDomain(values=("a", "b"))), "fidelity", "is a number"),
        (_fidelity(IntDomain(min=0, max=81)), "fidelity", "needs values above 0"),
        (_fidelity(DiscreteDomain(values=(-1.0, 2.0))), "fidelity", "needs values above 0"),
        (_fidelity(DiscreteDomain(values=tuple(range(1, 12)))), "discrete_domain.values", "at most 10"),
        (_fidelity(FloatDomain(min=0.1, max=1.0, scale=Scale.REVERSE_LOG)), "float_domain.scale", "linear or log"),
        (_fidelity(IntDomain(min=1, max=81), fixed_cost_share=1.0), "fidelity.fixed_cost_share", "below 1"),
        (_fidelity(IntDomain(min=1, max=81), fixed_cost_share=float("nan")), "fidelity.fixed_cost_share", "finite"),
        (_fidelity(IntDomain(min=1, max=81), reduction_factor=1.5), "fidelity.reduction_factor", "2 to 10"),
        (Parameter(name="r", domain=EPOCHS.domain, fidelity=Fidelity(), default=3), "default_value", "unset"),
        (Parameter(name="r", domain=EPOCHS.domain, fidelity=Fidelity(), context=True), "context", "unset"),
        (
            Parameter(
                name="r",
                domain=EPOCHS.domain,
                fidelity=Fidelity(),
                prior=NormalPrior(mean=9, relative_standard_deviation=0.1),
            ),
            "prior",
            "unset",
        ),
    ],
)
def test_what_is_no_fidelity_is_refused_by_name(parameter: Parameter, field: str, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message) as caught:
        SearchSpace(parameters=(LR, parameter)).validate("space")
    assert caught.value.field == f"space.parameters[1].{field}"


@pytest.mark.parametrize(
    ("space", "field"),
    [
        (SearchSpace(parameters=(EPOCHS,)), "space.parameters"),
        (
            SearchSpace(parameters=(LR, EPOCHS, Parameter(name="q", domain=EPOCHS.domain, fidelity=Fidelity()))),
            "space.parameters[2].fidelity",
        ),
        (
            SearchSpace(
                parameters=(
                    Parameter(name="lr", domain=LR.domain, condition=Condition(parent="r", values=(81,))),
                    Parameter(name="x", domain=LR.domain),
                    EPOCHS,
                )
            ),
            "space.parameters[2].fidelity",
        ),
        (
            SearchSpace(
                parameters=(LR, EPOCHS),
                parameter_constraints=(read_constraint("lr + r <= 50", field="c", names={"lr", "r"}),),
            ),
            "space.parameter_constraints[0]",
        ),
    ],
)
def test_a_fidelity_stands_alone(space: SearchSpace, field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        space.validate("space")
    assert caught.value.field == field


def test_no_gain_is_foretold_over_fidelities() -> None:
    study = a_study(space=SearchSpace(parameters=(LR, EPOCHS)), stopping=StoppingRules(min_expected_gain=0.1))
    with pytest.raises(InvalidArgument, match="is the fidelity") as caught:
        study.validate("study")
    assert caught.value.field == "study.stopping_rules.min_expected_gain"
