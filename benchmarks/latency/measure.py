"""Times asks of every subject after the same history, one subject after the other at each length."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.hartmann import random_results
from benchmarks.latency.subjects import Begin, Kind, value
from benchmarks.regret.case import LOSS


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Asks of one subject after `observations` results; seconds. `cpu_s` counts all its processes, tell included."""

    kind: str
    observations: int
    wall_s: Sequence[float]
    cpu_s: Sequence[float]
    load_average: float


def measure(
    kinds: Sequence[Kind], counts: Sequence[int], *, scratch: Path, seed: int, quick: bool, say: Callable[[str], None]
) -> Iterator[Timing]:
    """The first ask of each is not timed: it fits from scratch, and imports what it needs."""
    with ExitStack() as stack:
        begins = [(kind, stack.enter_context(kind.open(scratch))) for kind in kinds]
        for observations in counts:
            for kind, begin in begins:
                if observations in kind.repeats:
                    asks = min(2, kind.repeats[observations]) if quick else kind.repeats[observations]
                    say(f"n = {observations}: {kind.title}, {asks} asks and one before")
                    yield _time(kind, begin, observations, asks=asks, seed=seed)


def _time(kind: Kind, begin: Begin, observations: int, *, asks: int, seed: int) -> Timing:
    subject = begin(seed)
    subject.load(list(random_results(observations, seed)))
    wall, cpu = [], []
    for _ in range(asks + 1):
        spent, start = subject.cpu_s(), time.perf_counter()
        proposal = subject.ask()
        wall.append(time.perf_counter() - start)
        subject.tell(proposal, {LOSS: value(proposal.configuration)})
        cpu.append(subject.cpu_s() - spent)
    return Timing(
        kind=kind.name,
        observations=observations,
        wall_s=wall[1:],
        cpu_s=cpu[1:],
        load_average=os.getloadavg()[0],
    )
