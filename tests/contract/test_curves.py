"""Measurements of many trials at once."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from asktell_server.domain.metrics import Measurement, Metric
from asktell_server.domain.names import StudyName
from asktell_server.store.protocol import Ledger, Point
from tests.support.ledger import NOW, a_study, commit, read_one, running, told, write

Curves = dict[int, dict[str, list[Point]]]


def lease_of(number: int) -> str:
    """The lease of a trial that `start` has started."""
    return f"lease-{number}"


async def start(ledger: Ledger, study: StudyName, count: int) -> None:
    """Starts trials 1 to `count`."""
    for first in range(1, count + 1, 500):
        numbers = range(first, min(first + 500, count + 1))
        await commit(ledger, study, *(write(running(number / 10_000, lease_of(number))) for number in numbers))


async def report(ledger: Ledger, study: StudyName, number: int, step: int, **values: float) -> None:
    """A measurement of a trial that `start` has started."""
    metrics = {metric: Metric(value=value, standard_error=0.1) for metric, value in values.items()}
    measurement = Measurement(step=step, metrics=metrics, report_time=NOW)
    reported = await ledger.report(
        study, number, lease_id=lease_of(number), lease_s=60, measurement=measurement, request=None
    )
    assert reported.lease_valid


async def read(ledger: Ledger, study: StudyName, *numbers: int, most: int = 10_000) -> tuple[Curves, list[int]]:
    """The points by trial and metric, and the trials in the order in which their parts came."""
    curves: Curves = {}
    order: list[int] = []
    async for part in ledger.read_curves(study, numbers=numbers, most=most):
        if part.number not in order:
            order.append(part.number)
        assert order[-1] == part.number
        for metric, points in part.points.items():
            curves.setdefault(part.number, {}).setdefault(metric, []).extend(points)
    return curves, order


async def test_points_come_by_metric_in_the_order_of_arrival(ledger: Ledger, study: StudyName) -> None:
    await start(ledger, study, 3)
    await report(ledger, study, 2, 0, loss=1.5, accuracy=0.25)
    await report(ledger, study, 2, 10, loss=1.25)
    await report(ledger, study, 2, 5, loss=-math.inf, accuracy=0.1 + 0.2)
    await report(ledger, study, 3, 2**53 + 1, loss=7.0)
    await report(ledger, study, 2, 10, loss=0.75)
    curves, order = await read(ledger, study, 3, 1, 2, 99)
    assert curves == {
        2: {
            "loss": [(0, 1.5), (10, 1.25), (5, -math.inf), (10, 0.75)],
            "accuracy": [(0, 0.25), (5, 0.1 + 0.2)],
        },
        3: {"loss": [(2**53 + 1, 7.0)]},
    }
    assert order == [3, 2]
    assert await read(ledger, study) == ({}, [])


async def test_ended_trials_keep_their_points_and_deleted_ones_do_not(ledger: Ledger, study: StudyName) -> None:
    await start(ledger, study, 2)
    for number in (1, 2):
        await report(ledger, study, number, 1, loss=float(number))
        record = await read_one(ledger, study, number)
        await commit(ledger, study, write(told(record.trial, 0.5)))
    await commit(ledger, study, write((await read_one(ledger, study, 2)).trial, delete=True))
    assert (await read(ledger, study, 1, 2))[0] == {1: {"loss": [(1, 1.0)]}}


async def test_more_than_fits_into_one_round_trip(
    ledger: Ledger, study: StudyName, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asktell_server.store.redis_ledger.measurements._PAGE_BYTES", 4096)
    await start(ledger, study, 1_001)
    lengths = {1: 30, 2: 250, 3: 1, 500: 100, 501: 99, 1_001: 101}
    for number, length in lengths.items():
        for step in range(length):
            await report(ledger, study, number, step, loss=step / 7)
    curves, order = await read(ledger, study, *range(1, 1_002))
    assert order == list(lengths)
    assert curves == {
        number: {"loss": [(step, step / 7) for step in range(length)]} for number, length in lengths.items()
    }


@pytest.mark.parametrize("most", [2, 3, 40, 119, 120])
async def test_of_a_long_trial_comes_an_even_spread(
    ledger: Ledger, study: StudyName, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr("asktell_server.store.redis_ledger.measurements._PAGE_BYTES", 1024)
    length = 120
    await start(ledger, study, 2)
    for step in range(length):
        await report(ledger, study, 1, step, **({"loss": 0.0} if step % 2 else {"accuracy": 0.0}))
    await report(ledger, study, 2, 7, loss=0.5)
    curves, _ = await read(ledger, study, 1, 2, most=most)
    assert curves[2] == {"loss": [(7, 0.5)]}
    steps = sorted(step for points in curves[1].values() for step, _ in points)
    assert len(steps) == len(set(steps)) == most
    assert (steps[0], steps[-1]) == (0, length - 1)
    assert max(later - earlier for earlier, later in pairwise(steps)) <= 2 * (length - 2) / max(1, most - 2) + 1
    if most >= 40:
        assert min(len(points) for points in curves[1].values()) > most / 4, "no metric is missed"


async def test_a_new_study_of_the_same_name_has_no_points(ledger: Ledger, study: StudyName) -> None:
    await start(ledger, study, 1)
    await report(ledger, study, 1, 1, loss=1.0)
    await ledger.delete_study(study, expected_revision=None, request=None)
    await ledger.create_study(a_study(study), request=None)
    await start(ledger, study, 1)
    assert await read(ledger, study, 1) == ({}, [])
