"""Priors: the start follows them, the model heeds them less and less, and a wrong one is forgotten."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asktell_server.domain.algorithm import Bayesian, Random, Sobol
from asktell_server.domain.space import (
    BoolDomain,
    CategoricalDomain,
    Condition,
    Configuration,
    DiscreteDomain,
    FloatDomain,
    IntDomain,
    NormalPrior,
    Parameter,
    Prior,
    Scale,
    SearchSpace,
    WeightsPrior,
)
from asktell_server.domain.trial import Origin
from asktell_server.engine.bayes.prior import UNIFORM_SHARE, SpacePrior, space_prior
from asktell_server.engine.filling import FAVOURED_SHARE
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.engine.problem import Problem
from asktell_server.engine.space.region import region_of
from tests.support.strategies import spaces
from tests.unit.engine.problems import Function, optimize, problem_of, task_of, valued


def normal(mean: float, deviation: float) -> NormalPrior:
    return NormalPrior(mean=mean, relative_standard_deviation=deviation)


def with_priors(space: SearchSpace, **priors: Prior) -> SearchSpace:
    """The space with these priors."""
    parameters = tuple(dataclasses.replace(each, prior=priors.get(each.name)) for each in space.parameters)
    believed = SearchSpace(parameters=parameters)
    believed.validate("space")
    return believed


PLAIN = SearchSpace(
    parameters=(
        Parameter(name="rate", domain=FloatDomain(min=1e-5, max=1e-1, scale=Scale.LOG)),
        Parameter(name="layers", domain=IntDomain(min=1, max=12)),
        Parameter(name="units", domain=IntDomain(min=1, max=300, scale=Scale.LOG)),
        Parameter(name="width", domain=DiscreteDomain(values=(16, 32, 64, 128, 256))),
        Parameter(name="batch", domain=DiscreteDomain(values=(16, 32, 64, 128, 256))),
        Parameter(name="kind", domain=CategoricalDomain(values=("a", "b", "c"))),
        Parameter(name="flag", domain=BoolDomain()),
        Parameter(name="free", domain=FloatDomain(min=0.0, max=1.0)),
    )
)
MIXED = with_priors(
    PLAIN,
    rate=normal(1e-3, 0.1),
    layers=normal(4.0, 0.15),
    units=normal(60.0, 0.2),
    width=WeightsPrior(weights=(0.0, 1.0, 2.0, 1.0, 0.0)),
    batch=normal(96.0, 0.2),
    kind=WeightsPrior(weights=(1.0, 3.0, 0.0)),
    flag=WeightsPrior(weights=(1.0, 4.0)),
)


SQUARE = SearchSpace(
    parameters=tuple(Parameter(name=name, domain=FloatDomain(min=0.0, max=1.0)) for name in ("x", "y"))
)
SPOTS = with_priors(SQUARE, x=normal(0.2, 0.1), y=normal(0.75, 0.1))


def start(space: SearchSpace, count: int) -> list[Configuration]:
    """The start of a study, after its centre."""
    problem = problem_of(space, algorithm=Bayesian(start_trials=count + 1))
    centre, *drawn = task_of(problem, count=count + 1, seed=3).run().suggestions
    assert {one.origin for one in (centre, *drawn)} == {Origin.START}
    return [one.parameters for one in drawn]


def favoured_of(space: SearchSpace, count: int) -> list[Configuration]:
    """The trials of a long start that follow the priors, the centre apart."""
    problem = problem_of(space, algorithm=Bayesian(start_trials=int(count / FAVOURED_SHARE)))
    return [one.parameters for one in task_of(problem, count=count + 1, seed=3).run().suggestions[1:]]


def test_a_quarter_of_the_start_has_the_means_deviations_and_shares_of_the_priors() -> None:
    drawn, uniform = favoured_of(MIXED, 512), start(MIXED, 1024)[256:]
    assert np.mean([one["kind"] == "c" for one in uniform]) == pytest.approx(1 / 3, abs=0.02)
    rates = np.log10([float(one["rate"]) for one in drawn])
    assert (rates.mean(), rates.std()) == pytest.approx((-3.0, 0.4), abs=0.02)
    layers = np.array([int(one["layers"]) for one in drawn])
    # Levels have cells of 1/11 of the range: their spread adds that of a cell, and 4 - 1 of 11 cuts little off.
    assert (layers.mean(), layers.std()) == pytest.approx((4.0, np.hypot(0.15 * 11, 12**-0.5)), abs=0.15)
    free = np.array([float(one["free"]) for one in drawn])
    assert (free.mean(), free.std()) == pytest.approx((0.5, 12**-0.5), abs=0.02)
    shares = {16: 0.0, 32: 0.25, 64: 0.5, 128: 0.25, 256: 0.0}
    for width, share in shares.items():
        assert np.mean([one["width"] == width for one in drawn]) == pytest.approx(share, abs=0.02)
    assert np.mean([one["kind"] == "b" for one in drawn]) == pytest.approx(0.75, abs=0.02)
    assert not any(one["kind"] == "c" for one in drawn)
    assert np.mean([one["flag"] for one in drawn]) == pytest.approx(0.8, abs=0.02)


def test_the_first_trial_is_what_the_priors_hold_for_best() -> None:
    (first,) = task_of(problem_of(MIXED)).run().suggestions
    assert first.parameters["rate"] == pytest.approx(1e-3)
    assert {name: value for name, value in first.parameters.items() if name != "rate"} == {
        "layers": 4,
        "units": 60,
        "width": 64,
        "batch": 64,
        "kind": "b",
        "flag": True,
        "free": 0.5,
    }


def test_a_default_is_tried_before_what_a_prior_holds_for_best() -> None:
    parameters = [dataclasses.replace(each, default=7) if each.name == "layers" else each for each in MIXED.parameters]
    (first,) = task_of(problem_of(SearchSpace(parameters=tuple(parameters)))).run().suggestions
    assert first.parameters["layers"] == 7
    assert first.parameters["units"] == 60


def test_a_start_that_never_ends_leaves_priors_that_lead_into_failures() -> None:
    space = with_priors(PLAIN, kind=WeightsPrior(weights=(1.0, 0.0, 0.0)))
    problem = problem_of(space, algorithm=Bayesian(start_trials=5))
    failed: list[Observation] = []
    while len(failed) < 12:
        (one,) = task_of(problem, failed).run().suggestions
        failed.append(Observation(parameters=one.parameters, outcome=Outcome.FAILED))
    kinds = [one.parameters["kind"] for one in failed]
    assert kinds[:2] == ["a"] * 2  # the centre, and a quarter of the start
    assert {"b", "c"} <= set(kinds[2:])


@pytest.mark.parametrize("algorithm", [Random(), Sobol()])
def test_random_and_sobol_stay_uniform(algorithm: Random | Sobol) -> None:
    believed, plain = (
        task_of(problem_of(space, algorithm=algorithm), count=8, seed=1).run().suggestions for space in (MIXED, PLAIN)
    )
    assert believed == plain


@given(data=st.data(), space=spaces())
def test_whatever_is_drawn_is_of_the_space(data: st.DataObject, space: SearchSpace) -> None:
    space.validate("space")
    region = region_of(space)
    encoding = region.encoding
    uniform = np.random.default_rng(data.draw(st.integers(0, 99))).random((16, encoding.dimension))
    uniform[0], uniform[1] = 0.0, 1.0 - 2.0**-53
    favoured = encoding.favouring(uniform)
    assert ((favoured >= 0) & (favoured < 1)).all()
    points = np.concatenate([region.sample(favoured), encoding.centre()[None, :]])
    for configuration in map(encoding.decode, points):
        assert space.normalize(configuration, field="x") == configuration
    weights, gradient = SpacePrior(encoding, exponent=1.0).log_weights_with_gradient(points)
    assert np.isfinite(weights).all()
    assert np.isfinite(gradient).all()


def test_densities_are_those_of_the_draws() -> None:
    region = region_of(MIXED)
    everywhere = region.sample(np.random.default_rng(5).random((40_000, 8)))
    for index, marginal in region.encoding.priors.items():
        density, _ = marginal.log_density(everywhere[:, index])
        assert np.exp(density).mean() == pytest.approx(1.0, abs=0.03)


def test_the_gradient_is_the_slope_of_the_weights() -> None:
    encoding = region_of(MIXED).encoding
    prior = SpacePrior(encoding, exponent=2.5)
    points = np.random.default_rng(9).random((6, 8))
    points[:, encoding.categorical] = [[0, 1], [1, 0], [2, 1], [0, 0], [1, 1], [2, 0]]
    _, gradient = prior.log_weights_with_gradient(points)
    for place, column in enumerate(encoding.numeric):
        step = np.eye(8)[column] * 1e-6
        slope = (prior.log_weights(points + step) - prior.log_weights(points - step)) / 2e-6
        assert gradient[:, place] == pytest.approx(slope, rel=1e-5, abs=1e-6)


def test_what_a_prior_rules_out_keeps_its_uniform_share() -> None:
    space = with_priors(PLAIN, kind=WeightsPrior(weights=(1.0, 1.0, 0.0)))
    prior = SpacePrior(region_of(space).encoding, exponent=1.0)
    points = np.zeros((3, 8))
    points[:, 5] = [0, 1, 2]
    inside = np.log((1 - UNIFORM_SHARE) * 1.5 + UNIFORM_SHARE)
    assert prior.log_weights(points) == pytest.approx([inside, inside, np.log(UNIFORM_SHARE)])


BRANCHES = SearchSpace(
    parameters=(
        Parameter(
            name="kind", domain=CategoricalDomain(values=("a", "b", "c")), prior=WeightsPrior(weights=(1.0, 3.0, 0.0))
        ),
        Parameter(
            name="rate",
            domain=FloatDomain(min=0.0, max=1.0),
            condition=Condition(parent="kind", values=("b",)),
            prior=normal(0.8, 0.05),
        ),
        Parameter(
            name="decay",
            domain=FloatDomain(min=1e-6, max=1e-2, scale=Scale.LOG),
            condition=Condition(parent="kind", values=("a", "c")),
            prior=normal(1e-4, 0.1),
        ),
    )
)


def test_a_start_follows_priors_of_branches_where_these_exist() -> None:
    BRANCHES.validate("space")
    (first,) = task_of(problem_of(BRANCHES)).run().suggestions
    assert first.parameters == {"kind": "b", "rate": pytest.approx(0.8)}
    drawn = favoured_of(BRANCHES, 512)
    assert {frozenset(one) for one in drawn} == {frozenset({"kind", "rate"}), frozenset({"kind", "decay"})}
    rates = [float(one["rate"]) for one in drawn if one["kind"] == "b"]
    assert len(rates) == pytest.approx(384, abs=8)
    assert (np.mean(rates), np.std(rates)) == pytest.approx((0.8, 0.05), abs=0.01)
    decays = np.log10([float(one["decay"]) for one in drawn if one["kind"] == "a"])
    assert (decays.mean(), decays.std()) == pytest.approx((-4.0, 0.4), abs=0.05)


def test_a_prior_says_nothing_of_configurations_without_its_parameter() -> None:
    encoding = region_of(BRANCHES).encoding
    prior = SpacePrior(encoding, exponent=3.0)
    both = encoding.encode([{"kind": "b", "rate": 0.75}, {"kind": "c", "decay": 1e-3}])
    weights, gradient = prior.log_weights_with_gradient(both)
    likely, unlikely = (np.log((1 - UNIFORM_SHARE) * 3 * share + UNIFORM_SHARE) for share in (0.75, 0.0))
    (rate,), (decay,) = (
        np.logaddexp(np.log1p(-UNIFORM_SHARE) + density, np.log(UNIFORM_SHARE))
        for density in (
            encoding.priors[1].log_density(both[:1, 1])[0],
            encoding.priors[2].log_density(both[1:, 2])[0],
        )
    )
    assert weights == pytest.approx([likely + rate, unlikely + decay])
    assert (gradient != 0).tolist() == [[True, False], [False, True]]


def left_of(
    problem: Problem, seen: Sequence[Observation], best: Configuration, running: Sequence[Observation] = ()
) -> SpacePrior | None:
    """What is left of the priors of a problem after these trials."""
    encoding = region_of(problem.space).encoding
    pending = [one.parameters for one in running]
    return space_prior(task_of(problem, seen, pending=pending), encoding, encoding.encode([best]))


def test_priors_count_for_less_with_every_trial() -> None:
    problem = problem_of(MIXED)
    encoding = region_of(MIXED).encoding
    seen = [valued(one, 1.0) for one in start(MIXED, 30)]

    def weight(told: int, running: int = 0) -> float:
        best = encoding.decode(encoding.centre())
        prior = left_of(problem, seen[:told], best, running=seen[told : told + running])
        assert prior is not None
        return float(prior.log_weights(encoding.centre()[None, :])[0])

    assert weight(14) == pytest.approx(weight(5) / 10)
    assert weight(5, running=9) == pytest.approx(weight(14))
    assert weight(2) == weight(5)


def test_a_prior_is_heard_unless_the_best_trial_lies_where_it_expects_none() -> None:
    problem = problem_of(SPOTS)
    seen = [valued({"x": x, "y": 0.5}, 1.0) for x in (0.1, 0.3, 0.5, 0.7, 0.9)]
    points = np.array([[0.2, 0.5], [0.9, 0.5], [0.2, 0.7], [0.9, 0.7]])

    def weights(x: float, y: float) -> list[float]:
        prior = left_of(problem, seen, {"x": x, "y": y})
        return [0.0] * 4 if prior is None else prior.log_weights(points).tolist()

    both, only_x, only_y, neither = weights(0.25, 0.75), weights(0.25, 0.5), weights(0.5, 0.75), weights(0.5, 0.5)
    assert both[2] > both[0] > both[1] < both[3] < both[2]
    assert only_x == pytest.approx([max(only_x), min(only_x)] * 2)
    assert only_y == pytest.approx([min(only_y)] * 2 + [max(only_y)] * 2)
    assert np.add(only_x, only_y) == pytest.approx(both)
    assert neither == [0.0] * 4
    assert left_of(problem_of(PLAIN), [], start(PLAIN, 1)[0]) is None


def test_priors_of_a_branch_are_heard_while_the_best_trial_lies_in_another() -> None:
    problem = problem_of(BRANCHES)
    encoding = region_of(BRANCHES).encoding
    prior = left_of(problem, [], {"kind": "a", "decay": 1e-2})  # it speaks against both
    assert prior is not None
    likely, unlikely, other = prior.log_weights(
        encoding.encode([{"kind": "b", "rate": 0.8}, {"kind": "b", "rate": 0.1}, {"kind": "c", "decay": 1e-4}])
    )
    assert likely > other > unlikely
    assert other == 0.0


def bowl(configuration: Configuration) -> float:
    """Minimum 0 at (0.2, 0.3)."""
    return (float(configuration["x"]) - 0.2) ** 2 + (float(configuration["y"]) - 0.3) ** 2


@pytest.mark.parametrize(("x", "y", "trials", "most"), [(0.25, 0.3, 9, 1e-3), (0.9, 0.9, 25, 1e-2)])
def test_a_right_prior_helps_and_a_wrong_one_is_forgotten(x: float, y: float, trials: int, most: float) -> None:
    space = with_priors(SQUARE, x=normal(x, 0.1), y=normal(y, 0.1))
    function: Function = bowl
    assert optimize(problem_of(space), function, trials=trials, seed=1).best < most


def test_many_suggestions_at_once_heed_the_prior() -> None:
    space = with_priors(SQUARE, x=normal(0.8, 0.05))
    places = ((0.1, 0.2), (0.95, 0.4), (0.3, 0.8), (0.75, 0.6), (0.5, 0.1))
    seen = [valued({"x": x, "y": y}, 1.0 - 0.1 * (x == 0.75)) for x, y in places]
    found = task_of(problem_of(space), seen, count=16).run().suggestions
    assert {one.origin for one in found} == {Origin.MODEL}
    assert np.median([float(one.parameters["x"]) for one in found]) == pytest.approx(0.8, abs=0.1)
