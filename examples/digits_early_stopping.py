"""Trains networks on handwritten digits, and stops those that fall behind: `python -m examples.digits_early_stopping`.

The same study twice, without and with early stopping, on a server of its own. Prints how many epochs each took and what it found.
`--rule hyperband:max_steps=40`, `--rule successive_halving:min_steps=2` and so on try other rules.
"""

import argparse
import dataclasses
import math
import tempfile

import numpy as np

import asktell
from asktell.cli.early_stopping_words import early_stopping_from
from examples.digits_network import Network, evaluate, shrunk
from examples.local_server import local_server
from examples.python_digits import HERE, Split, read_digits

EPOCHS = 40
SPACE: asktell.Space = {
    "pixels": asktell.Discrete([2, 4, 8]),
    "width": asktell.Int(2, 64, log=True),
    "lr": asktell.Float(1e-3, 1.0, log=True),
    "l2": asktell.Float(1e-6, 1e-1, log=True),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What a study took and found."""

    epochs: int
    stopped: int
    best: float


def train(trial: asktell.Trial, training: Split, validation: Split, epochs: int) -> int:
    """Trains the network of a trial and tells its loss; returns how many epochs it was trained."""
    pixels, width = int(trial.params["pixels"]), int(trial.params["width"])
    images, held_out = shrunk(training, pixels), shrunk(validation, pixels)
    network = Network(images.images.shape[1], width)
    lr, l2 = float(trial.params["lr"]), float(trial.params["l2"])
    loss, epoch = math.inf, 0
    with np.errstate(all="ignore"):  # a rate that is too high diverges: the loss says so
        for epoch in network.epochs(images, lr=lr, l2=l2, epochs=epochs):
            loss = evaluate(network, held_out)["val_loss"]
            if not math.isfinite(loss):
                trial.fail("diverged")
                return epoch
            if trial.report(step=epoch, val_loss=loss):
                trial.stop()
                return epoch
    trial.tell(val_loss=loss)
    return epoch


def tune(client: asktell.Client, name: str, rule: asktell.EarlyStopping | None, *, trials: int, epochs: int) -> Outcome:
    """A study of so many trials, each of at most so many epochs."""
    training, validation = read_digits(HERE / "data" / "digits.csv")
    study = client.create_study(
        name, space=SPACE, objectives=asktell.Minimize("val_loss"), early_stopping=rule, max_trials=trials, seed=1
    )
    spent = 0
    for _ in range(trials):
        with study.ask() as trial:
            spent += train(trial, training, validation, epochs)
    study.refresh()
    return Outcome(spent, study.counts.stopped, study.best_value)


def main() -> None:
    """Starts a server, runs both studies, prints what was saved."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rule", default="median:min_steps=3", help="as `asktell study update --early-stopping` takes it"
    )
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of a trial that is not stopped")
    options = parser.parse_args()
    most = options.trials * options.epochs
    with (
        tempfile.TemporaryDirectory() as directory,
        local_server(directory) as server,
        asktell.Client(server.address()) as client,
    ):
        for name, rule in (("without", None), ("with", early_stopping_from(options.rule))):
            found = tune(client, name, rule, trials=options.trials, epochs=options.epochs)
            print(
                f"{name} a rule: {found.epochs} of {most} epochs ({1 - found.epochs / most:.0%} saved), "
                f"{found.stopped} of {options.trials} trials stopped, best val_loss {found.best:.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
