"""What it costs that a suggestion was computed before the last results: `python -m benchmarks.regret.staleness`.

Many trials in flight on a simulated clock, the engine in this process. With staleness s every suggestion of the model
was computed exactly s results before its trial starts, and lies in a queue till then, pending like what runs. A study's
`max_staleness` is the most that may happen, so this is the worst that it allows.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from asktell_server.engine.suggest import needs_model
from benchmarks.regret import in_flight, tuning
from benchmarks.regret.case import Instance
from benchmarks.regret.cases import bbob, categorical, continuous, lora, mixed
from benchmarks.regret.methods.asktell_engine import ENGINE, EngineRun
from benchmarks.regret.methods.method import Proposal
from benchmarks.regret.results import Results, with_best_optimum
from benchmarks.regret.runs import Job

WORKERS = 8
TRIALS = 100
STALENESS = (0, 1, 2, 4, 8)
CASES = (continuous.HARTMANN_6, bbob.case(16, 5), mixed.ACKLEY_MIXED, lora.LORA, categorical.NK_8)
RESULTS = Path(__file__).resolve().parents[2] / "build" / "staleness"


class StaleRun(EngineRun):
    """Keeps `staleness` suggestions computed ahead, as soon as the model is asked."""

    def __init__(self, instance: Instance, seed: int, *, staleness: int) -> None:
        super().__init__(instance, seed)
        self._staleness = staleness
        self._ready: deque[Proposal] = deque()

    def ask(self) -> Proposal:
        """The oldest suggestion in the queue; the queue is filled again."""
        asked = self._ready.popleft() if self._ready else super().ask()
        while len(self._ready) < self._staleness and self._by_model():
            self._ready.append(super().ask())
        return asked

    def _by_model(self) -> bool:
        return needs_model(replace(self._task, pending=tuple(each.configuration for each in self._pending)))


@click.command(help=__doc__)
@click.option("--seeds", type=click.IntRange(1), default=8, show_default=True)
@click.option("--staleness", "levels", type=click.IntRange(0), multiple=True, default=STALENESS, show_default=True)
@click.option("--workers", type=click.IntRange(1), default=WORKERS, show_default=True)
@click.option("--trials", type=click.IntRange(2), default=TRIALS, show_default=True)
def main(*, seeds: int, levels: tuple[int, ...], workers: int, trials: int) -> None:
    """Does the runs that are missing, seed by seed, and prints the comparison after each."""
    results = Results(RESULTS)
    part = in_flight.part(workers)
    for seed in range(seeds):
        for case in CASES:
            for level in levels:
                job = Job(case=case, method=ENGINE, seed=seed, trials=trials, label=f"stale-{level}", part=part)
                if not results.has(job.key, trials=trials, engine=job.engine):
                    results.add(in_flight.run(workers, job, partial(StaleRun, staleness=level)))
        rows = with_best_optimum([row for row in results.rows if row.seed <= seed and row.part == part])
        series = {f"stale-{level}": [row for row in rows if row.label == f"stale-{level}"] for level in levels}
        click.echo(f"{seed + 1} seeds\n\n{tuning.comparison(series, at=(trials // 2, trials))}\n")


if __name__ == "__main__":
    main()
