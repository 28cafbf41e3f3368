"""In which order runs are done, and doing them: what is there is skipped, and an interruption leaves balanced data."""

from __future__ import annotations

import importlib.util
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import groupby
from typing import Protocol, TypeVar

from benchmarks.regret.case import Case
from benchmarks.regret.methods import Method
from benchmarks.regret.methods.method import Opener
from benchmarks.regret.results import Results, Row
from benchmarks.regret.runs import Job

Say = Callable[[str], None]
Run = Callable[[Job, Opener], Row]


def jobs(cases: Sequence[Case], methods: Sequence[Method], *, seeds: int, make: Callable[..., Job]) -> Iterator[Job]:
    """Method by method, and of each seed by seed, so that every case has as many runs as the next."""
    for method in methods:
        for seed in range(seeds):
            for case in cases:
                yield make(case=case, method=method, seed=seed)


def installed(module: str) -> bool:
    """There is such a module, by its first name; it is not imported."""
    return importlib.util.find_spec(module) is not None


class Needing(Protocol):
    """What can be run only where a module is installed."""

    @property
    def name(self) -> str: ...
    @property
    def module(self) -> str: ...


Thing = TypeVar("Thing", bound=Needing)


def available(things: Sequence[Thing], say: Say) -> list[Thing]:
    """Those whose packages are installed; says once of each other one that it is left out."""
    kept = []
    for thing in things:
        if installed(thing.module):
            kept.append(thing)
        else:
            say(f"skipped: {thing.name} needs {thing.module} (the extra `bench` has it)")
    return kept


def execute(planned: Sequence[Job], results: Results, *, run: Run, say: Say, processes: int = 1) -> int:
    """Does the jobs that have no result yet, in order, and returns how many failed; a failed run is said and left out."""
    missing = [job for job in planned if not results.has(job.key, trials=job.trials, engine=job.engine)]
    say(f"{len(planned) - len(missing)} of {len(planned)} runs are there already")
    failed, begun = 0, time.monotonic()
    outcomes = _one_by_one(missing, run) if processes == 1 else _in_processes(missing, run, processes)
    for done, (job, outcome) in enumerate(outcomes, 1):
        name = f"{job.method.name}{job.label and f' ({job.label})'} on {job.case.name}, seed {job.seed}"
        left = (time.monotonic() - begun) / done * (len(missing) - done)
        if isinstance(outcome, Row):
            results.add(outcome)
            say(f"{done}/{len(missing)} {name}: about {_duration(left)} left")
        else:
            failed += 1
            say(f"{done}/{len(missing)} {name}: FAILED: {type(outcome).__name__}: {outcome}")
    return failed


Outcome = tuple[Job, Row | Exception]


def _one_by_one(missing: Sequence[Job], run: Run) -> Iterator[Outcome]:
    single_thread()
    for method, group in groupby(missing, key=lambda job: job.method):
        with method.open() as opener:
            for job in group:
                yield job, _attempt(run, job, opener)


def _in_processes(missing: Sequence[Job], run: Run, processes: int) -> Iterator[Outcome]:
    """Each run opens its method anew: for methods that share nothing between runs."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=single_thread) as pool:
        try:
            yield from zip(missing, pool.map(partial(_opened, run), missing), strict=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # Ctrl-C: what has not begun is not begun
            raise


def _opened(run: Run, job: Job) -> Row | Exception:
    with job.method.open() as opener:
        return _attempt(run, job, opener)


def _attempt(run: Run, job: Job, opener: Opener) -> Row | Exception:
    try:
        return run(job, opener)
    except Exception as error:  # noqa: BLE001  # a peer may fail in any way, and the others go on
        return error


def single_thread() -> None:
    """One thread for each method in this process: what a comparison of processor times takes for granted."""
    import torch  # takes seconds
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    torch.set_num_threads(1)
    threadpool_limits(1)


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
