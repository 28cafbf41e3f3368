"""One run: a method on an instance of a case."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from asktell import ParameterValue
from asktell_server.engine.space.encoding import Encoding
from benchmarks.machine import processor
from benchmarks.regret.case import Case
from benchmarks.regret.methods.asktell_engine import search_space
from benchmarks.regret.methods.method import Method, Opener, Proposal
from benchmarks.regret.results import Key, Row, engine_digest, versions
from benchmarks.regret.score import Metrics

SEQUENTIAL = "sequential"
NEAR = 0.002
"""Trials that differ by no more than this part of the range in every parameter are near to each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A run to be done."""

    case: Case
    method: Method
    seed: int
    trials: int
    label: str = ""
    part: str = SEQUENTIAL

    @property
    def key(self) -> Key:
        """The key of its row."""
        return (self.part, self.case.revision, self.case.name, self.method.name, self.seed, self.label)

    @property
    def engine(self) -> str:
        """The engine's digest, where the method depends on it."""
        return engine_digest() if self.method.ours else ""


class Recorder:
    """Asks, evaluates and tells for one run, and keeps what its row is made of.

    The seed moves the instance, and draws the noise and the method's numbers. Evaluations are not charged to anybody.
    """

    def __init__(self, job: Job, opener: Opener) -> None:
        self._job = job
        self._instance = job.case.make(job.seed)
        self._noise = job.case.generator("noise", job.seed)
        self._optimizer = opener(self._instance, job.seed)
        self._observed: list[Metrics] = []
        self._true: list[Metrics] = []
        self._cpu_s: list[float] = []
        self._tried: list[dict[str, ParameterValue]] = []
        self._spent = self._optimizer.cpu_s()

    def ask(self) -> Proposal:
        """The next configuration of the method."""
        return self._optimizer.ask()

    def tell(self, proposal: Proposal) -> None:
        """Evaluates a proposal and tells the method what was observed."""
        begun = time.process_time()
        true = self._instance.evaluate(proposal.configuration)
        observed = self._instance.observed(true, self._noise)
        evaluation = time.process_time() - begun
        self._optimizer.tell(proposal, observed)
        self._observed.append(observed)
        self._true.append(true)
        self._tried.append(dict(proposal.configuration))
        spent = self._optimizer.cpu_s()
        self._cpu_s.append(spent - self._spent - evaluation)
        self._spent = spent

    def row(self) -> Row:
        """What came of it."""
        job, instance = self._job, self._instance
        return Row(
            part=job.part,
            case=job.case.name,
            revision=job.case.revision,
            method=job.method.name,
            label=job.label,
            seed=job.seed,
            values=instance.scores(self._observed),
            true=None if instance.noise is None else instance.scores(self._true),
            optimum=instance.optimum,
            median=job.case.random_median(instance, job.seed),
            floor=job.case.floor,
            cpu_s=self._cpu_s,
            duplicates=len(self._tried) - len({tuple(sorted(one.items())) for one in self._tried}),
            near=self._near(),
            engine=job.engine,
            versions=versions(job.method.packages),
            machine=processor(),
        )

    def _near(self) -> int:
        """How many trials are near to an earlier one."""
        encoding = Encoding(search_space(self._instance.space))
        points = encoding.encode(self._tried)
        if encoding.activity is not None:  # what does not exist in a configuration makes no difference
            points = encoding.activity.canonical(points)
        points[:, list(encoding.categorical)] *= 1e6  # two categories are never near, however close their numbers are
        differences = np.abs(points[:, None, :] - points[None, :, :]).max(axis=2)
        return int(np.tril(differences <= NEAR, k=-1).any(axis=1).sum())


def run(job: Job, opener: Opener) -> Row:
    """One trial at a time, `job.trials` of them."""
    recorder = Recorder(job, opener)
    for _ in range(job.trials):
        recorder.tell(recorder.ask())
    return recorder.row()
