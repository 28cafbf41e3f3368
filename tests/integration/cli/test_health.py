"""`asktell study health`, and what is still to be gained in `study show` and `watch`."""

from __future__ import annotations

import itertools
import json
import signal
from typing import Any

import pytest

import asktell
from tests.integration.cli.conftest import CommandLine

pytestmark = pytest.mark.xdist_group("cli")  # one server for all of them

GAIN = "another 10 trials are expected to gain "


def _loss(x: float, y: float) -> float:
    return (x - 0.3) ** 2 + y


@pytest.fixture
def study(cli: CommandLine) -> asktell.Study:
    """30 results, the best of them at the end of y's range; six failures, all where x is large."""
    study = cli.client.create_study(
        "s",
        space={"x": asktell.Float(0, 2), "y": asktell.Float(-1, 1), "idle": asktell.Float(0, 1)},
        objectives=asktell.Minimize("loss"),
        seed=1,
    )
    past = []
    for index in range(36):
        x, y, idle = ((index + 1) * step % 1 for step in (0.618034, 0.754878, 0.324718))
        params = {"x": 2 * x, "y": -1.0 if index < 4 else 2 * y - 1, "idle": idle}
        ran: dict[str, Any] = {"metrics": {"loss": _loss(params["x"], params["y"])}}
        if params["x"] > 1.65:
            ran = {"outcome": asktell.Outcome.FAILED, "reason": "out of memory"}
        past.append(asktell.ImportedTrial(key=str(index), params=params, **ran))
    study.import_trials(past)
    return study


def test_findings_and_gains_are_told_with_advice(cli: CommandLine, study: asktell.Study) -> None:
    out, err = cli.run("study", "health", "s")
    assert not err
    assert "widen the range of y: min " in out
    assert "x >= 1." in out
    assert "expected gain: " in out
    told = json.loads(cli.run("study", "health", "s", "--json")[0])
    assert {each["kind"] for each in told["findings"]} >= {"BEST_AT_BORDER", "FAILURES_CLUSTER"}
    assert [each["trials"] for each in told["expected_gains"]] == [1, 10, 100]
    assert told["result_count"] == 36 - len(study.trials(states=["FAILED"]))
    assert asktell.HealthKind.BEST_AT_BORDER in {each.kind for each in study.health().findings}


def test_what_is_still_to_be_gained_is_shown_while_it_runs(cli: CommandLine, study: asktell.Study) -> None:
    assert GAIN in cli.run("study", "show", "s")[0]
    watching = cli.start("watch", "s", "--from-start")
    assert watching.stdout is not None
    try:
        for _ in range(36):
            assert not watching.stdout.readline().startswith(GAIN)  # of former results nothing is said
        for number in range(10):
            study.enqueue({"x": number / 10, "y": 0.0, "idle": 0.5})
            trial = study.ask()
            trial.tell(loss=1.0)
            trial.label(seen="yes")  # shown again, and no further result
        before = list(itertools.takewhile(lambda line: not line.startswith(GAIN), watching.stdout))
        assert any(line.startswith("trial 46 SUCCEEDED") for line in before)
    finally:
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=60)
    study.finish()
    assert GAIN not in cli.run("study", "show", "s")[0]


def test_a_study_without_results_is_told_nothing(cli: CommandLine) -> None:
    cli.client.create_study("s", space={"x": asktell.Float(0, 1)}, objectives=asktell.Minimize("loss"))
    assert "nothing to complain of" in cli.run("study", "health", "s")[0]
    _, err = cli.run("study", "health", "none-such", code=3)
    assert "none-such" in err
