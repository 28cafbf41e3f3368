"""What priors are worth, right ones and wrong ones: `python -m benchmarks.regret.priors`.

The engine in this process, one trial at a time, on functions whose optimum is known. Every parameter has a prior:

- `right`: a standard deviation of 15 % of the range, around a value that is itself drawn as far from the optimum. Of categories the
  best one weighs 4 and each other one 1.
- `mild`: wrong by two such standard deviations, to the side where the range is longer. Of categories a wrong one weighs 2.
- `wrong`: a standard deviation of 10 %, around the end of the range (less a tenth) that is farther from the optimum. Of categories a
  wrong one weighs 8.
- `none`: no priors.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import click
import numpy as np

from asktell import Categorical, Domain, Float, Int, NormalPrior, ParameterValue, WeightsPrior
from benchmarks.regret import tuning
from benchmarks.regret.case import Instance, Space
from benchmarks.regret.cases import continuous, mixed
from benchmarks.regret.methods.asktell_engine import ENGINE, EngineRun
from benchmarks.regret.results import Results, with_best_optimum
from benchmarks.regret.runs import Job, run

TRIALS = 50
PART = "priors"
CASES = (continuous.HARTMANN_6, continuous.BRANIN_2, mixed.HARTMANN_MIXED, continuous.LEVY_12)
BELIEFS = ("right", "mild", "wrong", "none")
DEVIATION, NARROW = 0.15, 0.1
"""Relative standard deviations, the second one that of priors which are wrong altogether."""
FAVOUR = {"right": 4.0, "mild": 2.0, "wrong": 8.0}
"""What the favoured category weighs, where each other one weighs 1."""
RESULTS = Path(__file__).resolve().parents[2] / "build" / "priors"


def with_priors(instance: Instance, belief: str, *, seed: int) -> Space:
    """The instance's space, whose numbers are on linear scales, with priors that are right or wrong about its minimiser."""
    if belief == "none":
        return instance.space
    assert instance.minimisers is not None
    (minimiser,) = instance.minimisers
    generator = np.random.default_rng(seed)
    return {name: _believed(domain, minimiser[name], belief, generator) for name, domain in instance.space.items()}


def _believed(domain: Domain, best: ParameterValue, belief: str, generator: np.random.Generator) -> Domain:
    if isinstance(domain, Categorical):
        place = list(domain.values).index(str(best))
        if belief != "right":
            place = (place + int(generator.integers(1, len(domain.values)))) % len(domain.values)
        weights = np.ones(len(domain.values))
        weights[place] = FAVOUR[belief]
        return replace(domain, prior=WeightsPrior(weights.tolist()))
    assert isinstance(domain, Float | Int)
    width = domain.max - domain.min
    at = (float(best) - domain.min) / width
    if belief == "right":
        at += DEVIATION * generator.standard_normal()
    elif belief == "mild":
        at += 2 * DEVIATION * (1 if at < 0.5 else -1)
    else:
        at = 0.1 + 0.8 * (at < 0.5)
    mean = domain.min + float(np.clip(at, 0.0, 1.0)) * width
    return replace(domain, prior=NormalPrior(mean, NARROW if belief == "wrong" else DEVIATION))


class BelievingRun(EngineRun):
    """Searches the instance's space with priors on it."""

    def __init__(self, instance: Instance, seed: int, *, belief: str) -> None:
        super().__init__(replace(instance, space=with_priors(instance, belief, seed=seed)), seed)


@click.command(help=__doc__)
@click.option("--seeds", type=click.IntRange(1), default=10, show_default=True)
@click.option("--trials", type=click.IntRange(2), default=TRIALS, show_default=True)
def main(*, seeds: int, trials: int) -> None:
    """Does the runs that are missing, seed by seed, and prints the comparison after each."""
    results = Results(RESULTS)
    for seed in range(seeds):
        for case in CASES:
            for belief in BELIEFS:
                job = Job(case=case, method=ENGINE, seed=seed, trials=trials, label=belief, part=PART)
                if not results.has(job.key, trials=trials, engine=job.engine):
                    results.add(run(job, partial(BelievingRun, belief=belief)))
        rows = with_best_optimum([row for row in results.rows if row.seed <= seed and row.part == PART])
        for first in BELIEFS[:-1]:
            series = {label: [row for row in rows if row.label == label] for label in (first, "none")}
            click.echo(f"{seed + 1} seeds\n\n{tuning.comparison(series, at=(trials // 2, trials))}\n")


if __name__ == "__main__":
    main()
