"""One run: a method on an instance of a case."""

from __future__ import annotations

import time
from dataclasses import dataclass

from asktell import ParameterValue
from benchmarks.machine import processor
from benchmarks.regret.case import Case
from benchmarks.regret.methods.method import Method, Opener, Proposal
from benchmarks.regret.results import Key, Row, engine_digest, versions

SEQUENTIAL = "sequential"


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
        self._observed: list[float] = []
        self._true: list[float] = []
        self._cpu_s: list[float] = []
        self._tried: set[tuple[tuple[str, ParameterValue], ...]] = set()
        self._spent = self._optimizer.cpu_s()

    def ask(self) -> Proposal:
        """The next configuration of the method."""
        return self._optimizer.ask()

    def tell(self, proposal: Proposal) -> None:
        """Evaluates a proposal and tells the method what was observed."""
        begun = time.process_time()
        true = self._instance.objective(proposal.configuration)
        noise = self._instance.noise
        observed = true if noise is None else noise(true, self._noise)
        evaluation = time.process_time() - begun
        self._optimizer.tell(proposal, observed)
        self._observed.append(observed)
        self._true.append(true)
        self._tried.add(tuple(sorted(proposal.configuration.items())))
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
            values=self._observed,
            true=None if instance.noise is None else self._true,
            optimum=instance.optimum,
            median=job.case.random_median(instance, job.seed),
            floor=job.case.floor,
            cpu_s=self._cpu_s,
            duplicates=len(self._observed) - len(self._tried),
            engine=job.engine,
            versions=versions(job.method.packages),
            machine=processor(),
        )


def run(job: Job, opener: Opener) -> Row:
    """One trial at a time, `job.trials` of them."""
    recorder = Recorder(job, opener)
    for _ in range(job.trials):
        recorder.tell(recorder.ask())
    return recorder.row()
