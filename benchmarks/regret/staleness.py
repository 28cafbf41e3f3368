"""What it costs that a suggestion was computed before the last results: `python -m benchmarks.regret.staleness`.

Many trials in flight on a simulated clock, the engine in this process. With staleness s every suggestion of the model
was computed exactly s results before its trial starts, and lies in a queue till then, pending like what runs. A study's
`max_staleness` is the most that may happen, so this is the worst that it allows. `default` is what a server does where
the study does not say: it computes again when the results were not as predicted. The printed share of asks is what was
found in the queue.
"""

from __future__ import annotations

from collections import Counter, deque
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from asktell_server.domain.metrics import Metric
from asktell_server.domain.surprise import WHOLE_SURPRISE, surprise
from asktell_server.domain.trial import Trial, TrialState
from asktell_server.engine.problem import Suggestion
from asktell_server.service.ask.demand import KnownProgress
from asktell_server.store.protocol import StalenessLimit
from benchmarks.regret import in_flight, tuning
from benchmarks.regret.case import Instance
from benchmarks.regret.cases import bbob, continuous, mixed
from benchmarks.regret.methods.asktell_engine import ENGINE, EngineRun
from benchmarks.regret.methods.method import Proposal
from benchmarks.regret.results import Results, with_best_optimum
from benchmarks.regret.runs import Job
from benchmarks.regret.score import Metrics

WORKERS = 8
TRIALS = 100
LIMITS = {
    "0": StalenessLimit(ended=0),
    "default": StalenessLimit(surprise=WHOLE_SURPRISE - 1),
    **{str(most): StalenessLimit(ended=most) for most in (1, 2, 4, 8)},
}
CASES = (continuous.HARTMANN_6, continuous.LEVY_12, bbob.case(16, 5), bbob.noisy_case(1, 5), mixed.ACKLEY_MIXED)
RESULTS = Path(__file__).resolve().parents[2] / "build" / "staleness"


class StaleRun(EngineRun):
    """Keeps as many suggestions computed ahead as the limit allows, as soon as the model is asked."""

    def __init__(self, instance: Instance, seed: int, *, limit: StalenessLimit, counts: Counter[str]) -> None:
        super().__init__(instance, seed)
        self._limit = limit
        self._depth = 0 if limit.ended == 0 else max(limit.results, 1)
        self._counts = counts
        self._progress = KnownProgress(ended=0, surprise=0)
        self._ready: deque[tuple[Proposal, KnownProgress]] = deque()
        self._suggested: dict[int, Suggestion] = {}

    def ask(self) -> Proposal:
        """The oldest suggestion in the queue that is not too stale; the queue is filled again."""
        while self._ready and not self._limit.allows(self._ready[0][1], self._progress):
            self.drop(self._ready.popleft()[0])
        self._counts["asked"] += 1
        self._counts["ready"] += bool(self._ready)
        asked = self._ready.popleft()[0] if self._ready else self._compute()
        while len(self._ready) < self._depth and self._by_model():
            self._ready.append((self._compute(), self._progress))
        return asked

    def tell(self, proposal: Proposal, metrics: Metrics) -> None:
        """Notes how surprising it is."""
        super().tell(proposal, metrics)
        suggestion = self._suggested.pop(id(proposal))
        ended = Trial(
            state=TrialState.SUCCEEDED,
            parameters=suggestion.parameters,
            origin=suggestion.origin,
            prediction=suggestion.prediction,
            metrics={name: Metric(value=value) for name, value in metrics.items()},
            create_time=datetime.now(UTC),
        )
        self._progress = KnownProgress(
            ended=self._progress.ended + 1, surprise=self._progress.surprise + surprise(ended, self.goals)
        )

    def _compute(self) -> Proposal:
        proposal, suggestion = self.propose()
        self._suggested[id(proposal)] = suggestion
        return proposal

    def _by_model(self) -> bool:
        return self._next_task().needs_model()


@click.command(help=__doc__)
@click.option("--seeds", type=click.IntRange(1), default=20, show_default=True)
@click.option("--staleness", "names", type=click.Choice(tuple(LIMITS)), multiple=True, default=tuple(LIMITS))
@click.option("--workers", type=click.IntRange(1), default=WORKERS, show_default=True)
@click.option("--trials", type=click.IntRange(2), default=TRIALS, show_default=True)
def main(*, seeds: int, names: tuple[str, ...], workers: int, trials: int) -> None:
    """Does the runs that are missing, seed by seed, and prints the comparison after each."""
    results = Results(RESULTS)
    part = in_flight.part(workers)
    counts: dict[str, Counter[str]] = {name: Counter() for name in names}
    for seed in range(seeds):
        for case in CASES:
            for name in names:
                job = Job(case=case, method=ENGINE, seed=seed, trials=trials, label=f"stale-{name}", part=part)
                if not results.has(job.key, trials=trials, engine=job.engine):
                    opener = partial(StaleRun, limit=LIMITS[name], counts=counts[name])
                    results.add(in_flight.run(workers, job, opener))
        rows = with_best_optimum([row for row in results.rows if row.seed <= seed and row.part == part])
        series = {f"stale-{name}": [row for row in rows if row.label == f"stale-{name}"] for name in names}
        click.echo(f"{seed + 1} seeds\n\n{tuning.comparison(series, at=(trials // 2, trials))}\n")
        done_now = {name: count for name, count in counts.items() if count["asked"]}
        if done_now:
            found = ", ".join(f"{name} {count['ready'] / count['asked']:.0%}" for name, count in done_now.items())
            click.echo(f"found ready, in the runs of now: {found}\n")


if __name__ == "__main__":
    main()
