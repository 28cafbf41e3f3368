"""Tunes a softmax regression on handwritten digits: `python -m examples.python_digits [STUDY] [--trials N]`.

Any number of these, and of its siblings in other languages, may work on one study at once.
"""

import argparse
import csv
import dataclasses
import os
import pathlib
import socket
import sys
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

import asktell

HERE = pathlib.Path(__file__).parent
CLASSES = 10
Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Split:
    """Rows of images (grey values from 0 to 1, and a 1 for the bias) and their digits."""

    images: Floats
    labels: NDArray[np.intp]


def read_digits(path: pathlib.Path) -> tuple[Split, Split]:
    """Training and validation rows: the first 60 % and the next 20 %. The test rows are not for tuning."""
    with path.open(newline="") as file:
        rows = np.array(list(csv.reader(file))[1:], dtype=np.float64)
    images = np.hstack([rows[:, :-1] / 16, np.ones((len(rows), 1))])
    labels = rows[:, -1].astype(np.intp)
    train, validation = len(rows) * 6 // 10, len(rows) * 8 // 10
    return Split(images[:train], labels[:train]), Split(images[train:validation], labels[train:validation])


def train(data: Split, *, lr: float, l2: float, batch_size: int, epochs: int, momentum: float) -> Iterator[Floats]:
    """Stochastic gradient descent with momentum; yields the weights (65 by 10, the last row the bias) of each epoch."""
    random = np.random.default_rng(1)  # the same order of rows for every configuration
    weights = np.zeros((data.images.shape[1], CLASSES))
    velocity = np.zeros_like(weights)
    for _ in range(epochs):
        order = random.permutation(len(data.labels))
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            error = softmax(data.images[rows] @ weights)
            error[np.arange(len(rows)), data.labels[rows]] -= 1
            gradient = data.images[rows].T @ error / len(rows)
            gradient[:-1] += l2 * weights[:-1]  # the bias is not held back
            velocity = momentum * velocity - lr * gradient
            weights += velocity
        yield weights


def softmax(scores: Floats) -> Floats:
    """Probabilities of the digits, row by row."""
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    normalized: Floats = shares / shares.sum(axis=1, keepdims=True)
    return normalized


def evaluate(data: Split, weights: Floats) -> dict[str, float]:
    """Mean cross-entropy and accuracy."""
    shares = softmax(data.images @ weights)
    right = shares[np.arange(len(data.labels)), data.labels]
    return {
        "val_loss": float(-np.log(np.maximum(right, 1e-300)).mean()),
        "val_accuracy": float((shares.argmax(axis=1) == data.labels).mean()),
    }


def run_trial(trial: asktell.Trial, training: Split, validation: Split) -> None:
    """Trains one configuration, reports each epoch, tells the last."""
    started = time.monotonic()
    params = trial.params
    epochs = train(
        training,
        lr=float(params["lr"]),
        l2=float(params["l2"]),
        batch_size=int(params["batch_size"]),
        epochs=int(params["epochs"]),
        momentum=float(params["momentum"]),
    )
    metrics: dict[str, float] = {}
    for epoch, weights in enumerate(epochs, 1):
        metrics = evaluate(validation, weights)
        if trial.report(metrics, step=epoch):
            trial.stop(metrics)
            return
    trial.tell(metrics)
    print(
        f"python  trial {trial.number:>3}  val_loss {metrics['val_loss']:.4f}"
        f"  val_accuracy {metrics['val_accuracy']:.4f}  {time.monotonic() - started:.2f} s",
        flush=True,
    )


def main() -> int:
    """Works on the study until it is complete or this worker has done its share."""
    parser = argparse.ArgumentParser(prog="python -m examples.python_digits", description=__doc__)
    parser.add_argument("study", nargs="?", help="the study's name (default: that in examples/digits.yaml)")
    parser.add_argument("--trials", type=int, default=30, help="how many trials this worker does (default: 30)")
    options = parser.parse_args()
    training, validation = read_digits(HERE / "data" / "digits.csv")
    with asktell.Client(worker_id=f"python:{socket.gethostname()}:{os.getpid()}") as client:
        study = client.create_study_from_file(HERE / "digits.yaml", study_id=options.study or "", exist_ok=True)
        for _ in range(options.trials):
            try:
                trial = study.ask()
            except asktell.StudyComplete as error:
                print(error)
                break
            with trial:
                run_trial(trial, training, validation)
        for best in study.best_trials(1):  # none, if all have failed
            print(f"best: trial {best.number}  val_loss {best.metrics['val_loss']:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
