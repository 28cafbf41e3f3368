"""Priors: which ones fit which domain."""

from __future__ import annotations

import math

import pytest

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.space import (
    BoolDomain,
    CategoricalDomain,
    DiscreteDomain,
    Domain,
    FloatDomain,
    IntDomain,
    NormalPrior,
    Parameter,
    Prior,
    Scale,
    SearchSpace,
    WeightsPrior,
)

NAN, INF = math.nan, math.inf
FIELD, FINITE, OUTSIDE = ErrorReason.INVALID_FIELD, ErrorReason.NOT_FINITE, ErrorReason.VALUE_OUTSIDE_SPACE
RATE = FloatDomain(min=1e-5, max=1e-1, scale=Scale.LOG)
LAYERS = IntDomain(min=1, max=8)
WIDTH = DiscreteDomain(values=(16, 32, 64))
KIND = CategoricalDomain(values=("a", "b", "c"))
MEAN, DEVIATION, WEIGHTS = "normal.mean", "normal.relative_standard_deviation", "weights.weights"


def normal(mean: float, deviation: float = 0.2) -> NormalPrior:
    return NormalPrior(mean=mean, relative_standard_deviation=deviation)


def weights(*each: float) -> WeightsPrior:
    return WeightsPrior(weights=each)


@pytest.mark.parametrize(
    ("domain", "prior"),
    [
        (RATE, normal(1e-3)),
        (RATE, normal(1e-5, 1.0)),
        (RATE, normal(1e-1, 1e-300)),
        (LAYERS, normal(3.5)),
        (WIDTH, normal(50.0)),
        (WIDTH, weights(0.0, 1e308, 1e308)),
        (KIND, weights(0.0, 0.0, 5e-324)),
        (BoolDomain(), weights(1.0, 3.0)),
    ],
)
def test_what_fits(domain: Domain, prior: Prior) -> None:
    prior.validate(domain, "prior")


@pytest.mark.parametrize(
    ("domain", "prior", "field", "reason"),
    [
        (RATE, normal(0.2), MEAN, OUTSIDE),
        (RATE, normal(9e-6), MEAN, OUTSIDE),
        (RATE, normal(NAN), MEAN, FINITE),
        (LAYERS, normal(INF), MEAN, FINITE),
        (LAYERS, normal(0.0), MEAN, OUTSIDE),
        (WIDTH, normal(65.0), MEAN, OUTSIDE),
        (RATE, normal(1e-3, 0.0), DEVIATION, FIELD),
        (RATE, normal(1e-3, -0.1), DEVIATION, FIELD),
        (RATE, normal(1e-3, 1.1), DEVIATION, FIELD),
        (RATE, normal(1e-3, NAN), DEVIATION, FINITE),
        (KIND, normal(1.0), "normal", FIELD),
        (BoolDomain(), normal(1.0), "normal", FIELD),
        (RATE, weights(1.0, 1.0), "weights", FIELD),
        (LAYERS, weights(*[1.0] * 8), "weights", FIELD),
        (WIDTH, weights(1.0, 1.0), WEIGHTS, FIELD),
        (BoolDomain(), weights(), WEIGHTS, FIELD),
        (KIND, weights(1.0, -1.0, 1.0), f"{WEIGHTS}[1]", FIELD),
        (KIND, weights(1.0, 1.0, INF), f"{WEIGHTS}[2]", FINITE),
        (KIND, weights(NAN, 1.0, 1.0), f"{WEIGHTS}[0]", FINITE),
        (KIND, weights(0.0, 0.0, 0.0), WEIGHTS, FIELD),
    ],
)
def test_what_does_not_fit_is_named(domain: Domain, prior: Prior, field: str, reason: ErrorReason) -> None:
    space = SearchSpace(parameters=(Parameter(name="x", domain=domain, prior=prior),))
    with pytest.raises(InvalidArgument) as caught:
        space.validate("space")
    assert caught.value.metadata["field"] == f"space.parameters[0].prior.{field}"
    assert caught.value.reason is reason
