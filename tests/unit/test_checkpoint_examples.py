"""The examples that go on from checkpoints: nothing is lost by stopping, and the best of a population are taken over."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import asktell
from examples import digits_checkpoints, digits_population
from examples.digits_checkpoints import Training, digits
from examples.python_digits import Split
from tests.support.study_files import read

EXAMPLES = Path(digits_checkpoints.__file__).parent
RATES = {"lr": 0.05, "l2": 1e-4}


@pytest.fixture(scope="module")
def rows() -> tuple[Split, Split]:
    return digits()


def test_training_goes_on_as_if_it_had_never_ended(rows: tuple[Split, Split], tmp_path: Path) -> None:
    training, validation = rows
    whole = Training.begin(width=8, **RATES)
    assert list(whole.train(training, until=3)) == [1, 2, 3]
    first = Training.begin(width=8, **RATES)
    assert list(first.train(training, until=1)) == [1]
    kept = first.keep(tmp_path / "checkpoints" / "1.pt")
    resumed = Training.resume(kept, **RATES)
    assert list(resumed.train(training, until=3)) == [2, 3]
    assert resumed.loss(validation) == whole.loss(validation) < 2.0
    assert [path.name for path in kept.parent.iterdir()] == ["1.pt"]


def test_a_resumed_training_has_the_new_rates(tmp_path: Path) -> None:
    kept = Training.begin(width=8, **RATES).keep(tmp_path / "0.pt")
    resumed = Training.resume(kept, lr=0.2, l2=0.0)
    (group,) = resumed.optimizer.param_groups
    assert (group["lr"], group["weight_decay"], resumed.width) == (0.2, 0.0, 8)


def test_the_study_of_the_fidelity_has_what_the_program_takes_and_says() -> None:
    study = read(EXAMPLES / "digits_fidelity.yaml")
    assert list(study.space) == ["width", "lr", "l2", "epochs"]
    assert study.space["epochs"] == asktell.Int(1, 81, fidelity=True)
    assert [metric.name for metric in study.metrics] == ["epochs_trained"]


class _Trial:
    def __init__(self, number: int, loss: float) -> None:
        self.number, self.params, self.metrics = number, {"lr": 0.1 * number, "l2": 1e-3}, {"val_loss": loss}


def test_the_worst_quarter_takes_over_from_the_best() -> None:
    trials = [_Trial(number, float(loss)) for number, loss in enumerate([5, 1, 2, 9, 4, 3, 8, 0.5], 1)]
    nexts = list(digits_population.next_generation(trials, random.Random(1)))  # type: ignore[arg-type]
    assert len(nexts) == 8
    kept, taken_over = nexts[:6], nexts[6:]
    assert sorted(before for _, before in kept) == [1, 2, 3, 5, 6, 8]
    assert all(rates["lr"] == pytest.approx(0.1 * before) for rates, before in kept)
    assert {before for _, before in taken_over} <= {8, 2}
    assert all(rates["lr"] != 0.1 * before for rates, before in taken_over)
    for rates, _ in nexts:
        for name, domain in digits_population.RATES.items():
            assert domain.min <= rates[name] <= domain.max
