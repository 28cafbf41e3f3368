"""Studies on recorded curves: what their epochs cost, what they find, and how that is reported."""

from __future__ import annotations

import numpy as np

from asktell_server.domain.early_stopping import AutoStopping
from benchmarks.early_stopping.report import Run, text
from benchmarks.early_stopping.studies import Training, asktell_study
from benchmarks.early_stopping.tables import Table

EPOCHS = np.arange(1, 11)
TABLE = Table(
    "made up",
    {"a": list(range(6)), "b": list(range(6))},
    np.array([[(a - 2) ** 2 + (b - 3) ** 2 + 1.0 / EPOCHS for b in range(6)] for a in range(6)]),
)


def test_epochs_cost_only_once() -> None:
    training = Training(TABLE, budget=25)

    assert training.run({"a": 2, "b": 4}, lambda epoch, _: epoch == 4) == (4, 1.25)
    assert (training.spent, training.path) == (4, [])
    assert training.run({"a": 2, "b": 4}, lambda *_: False) == (10, 1.1)
    assert training.run({"a": 0, "b": 3}, lambda epoch, _: epoch == 10) == (10, 4.1)  # nothing is stopped at its end
    assert (training.spent, training.configurations, training.path) == (20, 2, [(10, 1.1), (20, 1.1)])
    assert not training.is_over


def test_a_study_spends_its_budget_and_stops_trainings() -> None:
    training = Training(TABLE, budget=70)

    asktell_study([AutoStopping()], training, seed=1)

    assert 70 <= training.spent < 80
    assert training.configurations > len(training.path) >= 5


def test_the_report_says_what_was_found() -> None:
    runs = [Run("made up", "one", seed, 200, 20, [(10, 1.1), (150, 0.1)]) for seed in range(2)]

    report = text(runs, {"made up": TABLE})

    assert "| one | 2 | 20 | 2 | 1.1000 (± 0.0000) | 1.1000 (± 0.0000) | 0.1000 (± 0.0000) | 0.0 |" in report
