"""One run: a method on an instance of a case, one trial at a time."""

from __future__ import annotations

import time
from dataclasses import dataclass

from benchmarks.machine import processor
from benchmarks.regret.case import Case
from benchmarks.regret.methods.method import Method, Opener
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


def run(job: Job, opener: Opener) -> Row:
    """Asks and tells `job.trials` times; the seed moves the instance, and draws the noise and the method's numbers."""
    case = job.case
    instance = case.make(job.seed)
    noise = case.generator("noise", job.seed)
    optimizer = opener(instance, job.seed)
    observed, true, cpu = [], [], []
    tried = set()
    for _ in range(job.trials):
        start = optimizer.cpu_s()
        proposal = optimizer.ask()
        asked = time.process_time()
        value = instance.objective(proposal.configuration)
        seen = value if instance.noise is None else instance.noise(value, noise)
        evaluation = time.process_time() - asked
        optimizer.tell(proposal, seen)
        cpu.append(optimizer.cpu_s() - start - evaluation)
        observed.append(seen)
        true.append(value)
        tried.add(tuple(sorted(proposal.configuration.items())))
    return Row(
        part=job.part,
        case=case.name,
        revision=case.revision,
        method=job.method.name,
        label=job.label,
        seed=job.seed,
        values=observed,
        true=None if instance.noise is None else true,
        optimum=instance.optimum,
        median=case.random_median(instance, job.seed),
        floor=case.floor,
        cpu_s=cpu,
        duplicates=job.trials - len(tried),
        engine=job.engine,
        versions=versions(job.method.packages),
        machine=processor(),
    )
