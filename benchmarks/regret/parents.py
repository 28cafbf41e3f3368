"""What an earlier study is worth, one that helps and ones that mislead: `python -m benchmarks.regret.parents`.

The engine in this process, one trial at a time, on functions whose optimum is known. The earlier study is one of the engine, of 30
trials, on another function:

- `helpful`: the same function moved by up to 5 % of the range along each number, one and a half times as large, and 2 higher.
- `negated`: the function with its sign turned: what was best is worst.
- `far`: the function mirrored along every number, with its categories exchanged: its optimum is elsewhere.
- `none`: no earlier study.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import click
import numpy as np

from asktell import Categorical, Domain, Float, Int, ParameterValue
from asktell_server.engine.earlier import Earlier
from benchmarks.regret import tuning
from benchmarks.regret.case import Configuration, Instance
from benchmarks.regret.cases import continuous, mixed
from benchmarks.regret.methods.asktell_engine import ENGINE, EngineRun
from benchmarks.regret.results import Results, with_best_optimum
from benchmarks.regret.runs import Job, run
from benchmarks.regret.score import Metrics

TRIALS = 30
EARLIER_TRIALS = 30
PART = "parents"
CASES = (continuous.HARTMANN_6, continuous.BRANIN_2, mixed.HARTMANN_MIXED)
PASTS = ("helpful", "negated", "far", "none")
MOVE = 0.05
RESULTS = Path(__file__).resolve().parents[2] / "build" / "parents"


def earlier_metrics(instance: Instance, past: str, *, seed: int) -> Callable[[Configuration], Metrics]:
    """What the earlier study measured of a configuration."""
    generator = np.random.default_rng([seed, 7])
    moves = {name: MOVE * float(generator.uniform(-1.0, 1.0)) for name in instance.space}

    def measured(configuration: Configuration) -> Metrics:
        if past == "negated":
            return {name: -value for name, value in instance.evaluate(configuration).items()}
        if past == "far":
            return instance.evaluate(_mapped(instance.space, configuration, _mirrored))
        moved = {name: partial(_moved, move=move) for name, move in moves.items()}
        there = {name: moved[name](instance.space[name], value) for name, value in configuration.items()}
        return {name: 1.5 * value + 2.0 for name, value in instance.evaluate(there).items()}

    return measured


def _mapped(
    space: Mapping[str, Domain], configuration: Configuration, how: Callable[[Domain, ParameterValue], ParameterValue]
) -> dict[str, ParameterValue]:
    return {name: how(space[name], value) for name, value in configuration.items()}


def _moved(domain: Domain, value: ParameterValue, *, move: float) -> ParameterValue:
    """A float some way off, outside of its range where need be; anything else as it is."""
    return float(value) + move * (domain.max - domain.min) if isinstance(domain, Float) else value


def _mirrored(domain: Domain, value: ParameterValue) -> ParameterValue:
    if isinstance(domain, Categorical):
        values = list(domain.values)
        return values[(values.index(str(value)) + 1) % len(values)]
    assert isinstance(domain, Float | Int)
    mirrored = domain.min + domain.max - float(value)
    return round(mirrored) if isinstance(domain, Int) else mirrored


class InformedRun(EngineRun):
    """Searches with what an earlier study has found."""

    def __init__(self, instance: Instance, seed: int, *, past: str) -> None:
        super().__init__(instance, seed)
        if past != "none":
            self._task = replace(self._task, earlier=(_earlier(instance, past, seed),))


def _earlier(instance: Instance, past: str, seed: int) -> Earlier:
    """The results of the earlier study."""
    run = EngineRun(instance, seed + 1000)
    measured = earlier_metrics(instance, past, seed=seed)
    for _ in range(EARLIER_TRIALS):
        proposal = run.ask()
        run.tell(proposal, measured(proposal.configuration))
    return Earlier(history=run.history)


@click.command(help=__doc__)
@click.option("--seeds", type=click.IntRange(1), default=8, show_default=True)
@click.option("--trials", type=click.IntRange(2), default=TRIALS, show_default=True)
def main(*, seeds: int, trials: int) -> None:
    """Does the runs that are missing, seed by seed, and prints the comparison after each."""
    results = Results(RESULTS)
    for seed in range(seeds):
        for case in CASES:
            for past in PASTS:
                job = Job(case=case, method=ENGINE, seed=seed, trials=trials, label=past, part=PART)
                if not results.has(job.key, trials=trials, engine=job.engine):
                    results.add(run(job, partial(InformedRun, past=past)))
        rows = with_best_optimum([row for row in results.rows if row.seed <= seed and row.part == PART])
        for first in PASTS[:-1]:
            series = {label: [row for row in rows if row.label == label] for label in (first, "none")}
            click.echo(f"{seed + 1} seeds\n\n{tuning.comparison(series, at=(trials // 6, trials // 2, trials))}\n")


if __name__ == "__main__":
    main()
