"""A stopped trial through a real server: what it is expected to have come to, and a history of one's own that says so."""

from __future__ import annotations

from typing import Any

import pytest

import asktell
from tests.integration.client.conftest import do

pytestmark = pytest.mark.xdist_group("client")  # one server for all of them

SPACE: asktell.Space = {"x": asktell.Float(0.0, 1.0)}


async def test_what_a_stopped_trial_is_expected_to_have_come_to(client: Any) -> None:
    study = await do(client.create_study("stopped", space=SPACE, objectives=asktell.Minimize("loss"), seed=3))
    for drop in (0.2, 0.3, 0.3, 0.4):
        trial = await do(study.ask())
        await do(trial.report(step=1, loss=1.0))
        await do(trial.report(step=2, loss=1.0 - drop))
        await do(trial.tell(loss=1.0 - drop))
    trial = await do(study.ask())
    await do(trial.report(step=1, loss=0.8))
    await do(trial.stop())

    stopped = await do(study.trial(trial.number))
    assert stopped.metrics == {"loss": 0.8}
    expected = stopped.expected_metrics["loss"]
    assert expected.value == pytest.approx(0.5)
    assert 0 < expected.standard_error < 1
    assert (await do(study.best_trial)).metrics == {"loss": 0.6}

    tried = [asktell.Observation({"x": x / 4}, {"loss": (x / 4 - 0.3) ** 2}) for x in range(5)]
    one = asktell.Observation(stopped.params, stopped.metrics, asktell.Outcome.STOPPED)
    told = asktell.Observation(stopped.params, stopped.metrics, asktell.Outcome.STOPPED, stopped.expected_metrics)
    (as_last,) = await do(client.suggest(SPACE, asktell.Minimize("loss"), [*tried, one]))
    (as_expected,) = await do(client.suggest(SPACE, asktell.Minimize("loss"), [*tried, told]))
    assert as_last.prediction != as_expected.prediction
