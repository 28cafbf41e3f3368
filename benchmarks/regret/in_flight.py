"""Many trials in flight: asynchronous, with run times drawn for a clock that is only simulated."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from benchmarks.regret.case import Case
from benchmarks.regret.cases import bbob, categorical, continuous, lora, mixed
from benchmarks.regret.methods.method import Opener, Proposal
from benchmarks.regret.results import Row
from benchmarks.regret.runs import Job, Recorder

TRIALS = 200
AT = (100, 200)
SPREAD = 0.5
"""Of the logarithm of run times: one in six takes 1.65 times the middle one, or more."""

CASES: Mapping[str, tuple[Case, ...]] = {
    "development": (continuous.HARTMANN_6, bbob.case(16, 5), mixed.ACKLEY_MIXED, categorical.NK_8),
    "reporting": (bbob.case(17, 5), mixed.HARTMANN_MIXED, mixed.FUNC2C, lora.LORA),
}
FIELD = ("asktell", "optuna-gp", "optuna-tpe", "random")


def part(workers: int) -> str:
    """The name of the experiment in the results."""
    return f"in-flight-{workers}"


def run(workers: int, job: Job, opener: Opener) -> Row:
    """Keeps `workers` trials in flight until `job.trials` have ended; values are in the order in which they ended."""
    recorder = Recorder(job, opener)
    durations = job.case.generator("duration", job.seed).lognormal(sigma=SPREAD, size=job.trials)
    running: list[tuple[float, int, Proposal]] = []
    now = 0.0
    for number, duration in enumerate(durations):
        if len(running) == workers:
            now, _, ended = heapq.heappop(running)
            recorder.tell(ended)
        heapq.heappush(running, (now + duration, number, recorder.ask()))
    while running:
        recorder.tell(heapq.heappop(running)[2])
    return recorder.row()
