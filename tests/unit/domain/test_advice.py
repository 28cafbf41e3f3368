"""Warnings about set-ups that are allowed and usually a mistake."""

from __future__ import annotations

from typing import Any

import pytest

from asktell_server.domain.advice import warnings
from asktell_server.domain.algorithm import Auto, Bayesian, Grid, Random
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Objective, Split
from asktell_server.domain.space import (
    CategoricalDomain,
    Domain,
    FloatDomain,
    IntDomain,
    Parameter,
    Scale,
    SearchSpace,
)
from asktell_server.domain.study import StoppingRules
from asktell_server.domain.warning import WarningKind
from tests.support.builders import a_study


def _found(**changes: Any) -> list[tuple[WarningKind, str]]:
    return [(warning.kind, warning.field) for warning in warnings(a_study(**changes))]


def _space(*domains: Domain) -> SearchSpace:
    return SearchSpace(parameters=tuple(Parameter(name=f"p{index}", domain=d) for index, d in enumerate(domains)))


def test_a_sound_study_has_no_warnings() -> None:
    assert _found(stopping=StoppingRules(max_trials=50)) == []


@pytest.mark.parametrize(
    ("domain", "warned"),
    [
        (FloatDomain(min=1e-5, max=1e-1), True),
        (FloatDomain(min=1e-3, max=1.0), True),
        (FloatDomain(min=1e-5, max=1e-1, scale=Scale.LOG), False),
        (FloatDomain(min=0.1, max=1.0), False),
        (FloatDomain(min=0.0, max=1000.0), False),
        (FloatDomain(min=-1.0, max=1000.0), False),
    ],
)
def test_wide_ranges_on_a_linear_scale(domain: Domain, warned: bool) -> None:
    expected = [(WarningKind.WIDE_LINEAR_RANGE, "search_space.parameters[0]")]
    assert _found(space=_space(domain)) == (expected if warned else [])


@pytest.mark.parametrize(
    ("metric", "split", "warned"),
    [
        ("test_loss", Split.VALIDATION, True),
        ("loss/test", Split.VALIDATION, True),
        ("Test.accuracy", Split.TRAIN, True),
        ("loss", Split.VALIDATION, False),
        ("latest_loss", Split.VALIDATION, False),
        ("contest", Split.VALIDATION, False),
    ],
)
def test_metrics_that_sound_like_test_metrics(metric: str, split: Split, warned: bool) -> None:
    objective = Objective(metric=metric, goal=Goal.MINIMIZE, split=split)
    expected = [(WarningKind.TEST_METRIC_NAME, "objectives[0].metric")]
    assert _found(goals=Goals(objectives=(objective,))) == (expected if warned else [])


@pytest.mark.parametrize(("algorithm", "budget", "warned"), [
    (Auto(), 8, True),
    (Auto(), 9, False),
    (Bayesian(), 8, True),
    (Random(), 8, False),
    (Auto(), None, False),
])  # fmt: skip
def test_a_budget_too_small_for_the_space(algorithm: Any, budget: int | None, warned: bool) -> None:
    expected = [(WarningKind.BUDGET_TOO_SMALL, "stopping_rules.max_trials")]
    assert _found(algorithm=algorithm, stopping=StoppingRules(max_trials=budget)) == (expected if warned else [])


def test_a_budget_that_covers_a_small_space_is_enough() -> None:
    space = _space(*(CategoricalDomain(values=("a", "b")) for _ in range(2)))
    assert _found(space=space, stopping=StoppingRules(max_trials=4)) == []


def test_a_grid_above_its_budget() -> None:
    space = _space(FloatDomain(min=0.0, max=1.0), FloatDomain(min=0.0, max=1.0))
    changes: dict[str, Any] = {"space": space, "algorithm": Grid(default_levels=5)}
    assert _found(**changes, stopping=StoppingRules(max_trials=25)) == []
    assert _found(**changes, stopping=StoppingRules(max_trials=24)) == [
        (WarningKind.GRID_EXCEEDS_BUDGET, "stopping_rules.max_trials")
    ]


@pytest.mark.parametrize(
    ("domain", "levels", "warned"),
    [
        (FloatDomain(min=0.0, max=1.0), 3, True),
        (FloatDomain(min=0.0, max=1.0), 4, False),
        (IntDomain(min=1, max=10), 3, True),
        (IntDomain(min=1, max=3), 3, False),
        (FloatDomain(min=0.0, max=1.0, step=0.5), 3, False),
        (CategoricalDomain(values=("a", "b")), 2, False),
    ],
)
def test_coarse_grids(domain: Domain, levels: int, warned: bool) -> None:
    expected = [(WarningKind.COARSE_GRID, "algorithm.grid.levels[p0]")]
    assert _found(space=_space(domain), algorithm=Grid(levels={"p0": levels})) == (expected if warned else [])


def test_warnings_say_what_to_do() -> None:
    (warning,) = warnings(a_study(stopping=StoppingRules(max_trials=2)))
    assert warning.message == "2 trials are few for 3 parameters; at least 9 are advisable, or fewer parameters"
