"""Whether what asktell expects of the next trials comes true: `python -m benchmarks.regret.gains`.

The engine in this process, one trial at a time. After some numbers of trials the model says what the next 10 are expected to gain; then
they are run. What was gained is the difference in the true loss of the configuration that one would use before and after: the one
with the best observed loss. Printed beside each other are means over the seeds, and what was left to gain up to the optimum.
"""

from __future__ import annotations

import click
import numpy as np

from asktell_server.engine.analysis.gains import GainQuestion
from asktell_server.engine.tasks.analyse import AnalysisTask
from benchmarks.regret.case import LOSS, Case
from benchmarks.regret.cases import continuous, lora, mixed
from benchmarks.regret.methods.asktell_engine import EngineRun

CASES = (continuous.BRANIN_2, continuous.HARTMANN_6, mixed.HARTMANN_MIXED, lora.LORA)
HORIZON = 10
AT = (15, 20, 30, 40, 50)


class GainRun(EngineRun):
    """A run that can be asked what is to be gained."""

    def expected(self) -> float:
        """The expected gain of the next trials."""
        task = self._next_task()
        question = GainQuestion(horizons=(HORIZON,))
        asked = AnalysisTask(
            problem=task.problem, history=task.history, seed=task.seed, warm_start=task.warm_start, question=question
        )
        return asked.run().value[0]


def measured(case: Case, seed: int) -> list[tuple[float, float, float]]:
    """What was expected, what was gained and what was left, after each number of trials of `AT`."""
    instance = case.make(seed)
    noise = case.generator("noise", seed)
    run = GainRun(instance, seed)
    true: list[float] = []
    seen: list[float] = []
    expected: dict[int, float] = {}
    for trial in range(AT[-1] + HORIZON):
        if trial in AT:
            expected[trial] = run.expected()
        proposal = run.ask()
        metrics = instance.evaluate(proposal.configuration)
        observed = instance.observed(metrics, noise)
        run.tell(proposal, observed)
        true.append(metrics[LOSS])
        seen.append(observed[LOSS])

    def used(trials: int) -> float:
        return true[int(np.argmin(seen[:trials]))]

    optimum = min(true) if instance.optimum is None else instance.optimum
    return [(expected[at], used(at) - used(at + HORIZON), used(at) - optimum) for at in AT]


@click.command(help=__doc__)
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True)
def main(*, seeds: int) -> None:
    """Prints a table for each case as soon as it is done."""
    for case in CASES:
        means = np.mean([measured(case, seed) for seed in range(seeds)], axis=0)
        click.echo(f"\n{case.name}, {seeds} seeds\n\n| trials | expected | gained | left |\n| --- | --- | --- | --- |")
        for at, (expected, gained, left) in zip(AT, means.tolist(), strict=True):
            click.echo(f"| {at} | {expected:.2g} | {gained:.2g} | {left:.2g} |")


if __name__ == "__main__":
    main()
