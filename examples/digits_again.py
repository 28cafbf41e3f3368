"""Tunes a network again when there is more data: `python -m examples.digits_again`.

October has 300 handwritten digits to train on, November all 1,078. On a server of its own October's study is run, then November's,
once from nothing and once with October's study as its parent. Prints the best validation loss after each trial of November. At
the end the data changes once more (half of the digits are shown upside down), and the study is reopened.
"""

import argparse
import dataclasses
import math
import tempfile

import numpy as np

import asktell
from examples.digits_network import Network, evaluate, shrunk
from examples.local_server import local_server
from examples.python_digits import HERE, Split, read_digits

EPOCHS = 15
FEW = 300
SPACE: asktell.Space = {
    "pixels": asktell.Discrete([2, 4, 8]),
    "width": asktell.Int(2, 64, log=True),
    "lr": asktell.Float(1e-3, 1.0, log=True),
    "l2": asktell.Float(1e-6, 1e-1, log=True),
}


def train(trial: asktell.Trial, training: Split, validation: Split) -> None:
    """Trains the network of a trial and tells its loss."""
    pixels = int(trial.params["pixels"])
    images, held_out = shrunk(training, pixels), shrunk(validation, pixels)
    network = Network(images.images.shape[1], int(trial.params["width"]))
    with np.errstate(all="ignore"):  # a rate that is too high diverges: the loss says so
        for _ in network.epochs(images, lr=float(trial.params["lr"]), l2=float(trial.params["l2"]), epochs=EPOCHS):
            pass
        loss = evaluate(network, held_out)["val_loss"]
    if math.isfinite(loss):
        trial.tell(val_loss=loss)
    else:
        trial.fail("diverged")


def tune(study: asktell.Study, training: Split, validation: Split, *, trials: int) -> list[float]:
    """The best loss on the present data after each of so many trials."""
    best = []
    for _ in range(trials):
        train(study.ask(), training, validation)
        found = study.best_trials()  # none while all have diverged
        best.append(found[0].metrics["val_loss"] if found else math.inf)
    return best


def few(split: Split, count: int) -> Split:
    """The first `count` images."""
    return dataclasses.replace(split, images=split.images[:count], labels=split.labels[:count])


def changed(split: Split) -> Split:
    """Every second image upside down."""
    images = split.images.copy()
    pixels = images.shape[1] - 1  # the last column is constant
    images[::2, :pixels] = images[::2, pixels - 1 :: -1]
    return dataclasses.replace(split, images=images)


def show(title: str, best: list[float]) -> None:
    """One line of the output."""
    print(f"{title:22}", " ".join(f"{loss:.3f}" for loss in best), flush=True)


def main() -> None:
    """Runs the studies and prints what they found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=12, help="of each of November's studies (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of all studies (default: %(default)s)")
    arguments = parser.parse_args()
    training, validation = read_digits(HERE / "data" / "digits.csv")
    goal = asktell.Minimize("val_loss")
    with (
        tempfile.TemporaryDirectory() as directory,
        local_server(directory) as server,
        asktell.Client(server.address()) as client,
    ):
        october = client.create_study("october", space=SPACE, objectives=goal, seed=arguments.seed)
        tune(october, few(training, FEW), validation, trials=20)
        november = [
            client.create_study(
                name, space=SPACE, objectives=goal, parents=parents, max_trials=arguments.trials, seed=arguments.seed
            )
            for name, parents in (("november-from-nothing", None), ("november", ["october"]))
        ]
        for study in november:
            show(study.id, tune(study, training, validation, trials=arguments.trials))
        november[-1].reopen(remeasure=2)
        show("new data, reopened", tune(november[-1], changed(training), changed(validation), trials=arguments.trials))


if __name__ == "__main__":
    main()
