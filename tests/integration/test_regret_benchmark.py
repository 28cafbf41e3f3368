"""The comparison's own runs of asktell: a real server, the Python client, and the processor time of all of it."""

from __future__ import annotations

import pytest

from benchmarks.regret import in_flight
from benchmarks.regret.cases.categorical import NK_8
from benchmarks.regret.methods import ASKTELL, with_staleness
from benchmarks.regret.runs import Job, run


@pytest.mark.slow
def test_a_run_through_a_server() -> None:
    job = Job(case=NK_8, method=ASKTELL, seed=1, trials=8)
    with job.method.open() as opener:
        row = run(job, opener)
        again = run(job, opener)
    assert len(row.values) == 8
    assert row.duplicates == 0
    assert row.engine
    assert sum(row.cpu_s) > 0.0
    assert list(again.values[:5]) == list(row.values[:5]), "a study of its own, with the same seed"


@pytest.mark.slow
def test_trials_in_flight_on_a_study_that_takes_stale_suggestions() -> None:
    job = Job(case=NK_8, method=with_staleness(2), seed=1, trials=12, label="staleness-2", part=in_flight.part(4))
    with job.method.open() as opener:
        row = in_flight.run(4, job, opener)
    assert len(row.values) == 12
    assert (row.series, row.duplicates) == ("staleness-2", 0)
