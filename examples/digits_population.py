"""Population-based training on handwritten digits: `python -m examples.digits_population`, with a server of its own.

A population of small torch networks is trained a few epochs at a time. After each round the worst quarter takes over the checkpoints of
the best quarter, with rates that are changed a little (Jaderberg et al. 2017, "Population based training of neural networks"). Every
stretch of training is a trial, and says by `continue_from` which one it goes on from: the study is the family tree.
"""

import argparse
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

import asktell
from examples.digits_checkpoints import Training, digits
from examples.local_server import local_server
from examples.python_digits import Split

WIDTH = 32
RATES: dict[str, asktell.Float] = {
    "lr": asktell.Float(1e-4, 1.0, log=True),
    "l2": asktell.Float(1e-6, 1e-1, log=True),
}
_FACTORS = (0.5, 0.8, 1.25, 2.0)


def create(client: asktell.Client, name: str) -> asktell.Study:
    """A study of rates; `epoch` says how far the network is after the trial. What comes next is for this program to say."""
    return client.create_study(
        name,
        space=RATES,
        objectives=asktell.Minimize("val_loss"),
        metrics=[asktell.Metric("epoch")],
        algorithm=asktell.Manual(),
    )


def train(trial: asktell.Trial, rows: Split, validation: Split, *, stretch: int, keep: Path) -> None:
    """One stretch of training, from the checkpoint that the trial goes on from."""
    lr, l2 = float(trial.params["lr"]), float(trial.params["l2"])
    before = trial.start_checkpoint
    training = (
        Training.begin(width=WIDTH, lr=lr, l2=l2) if before is None else Training.resume(Path(before), lr=lr, l2=l2)
    )
    for _ in training.train(rows, until=training.epochs + stretch):
        pass
    checkpoint = training.keep(keep / f"{trial.number}.pt")
    trial.tell(val_loss=training.loss(validation), epoch=training.epochs, annotations={"checkpoint": str(checkpoint)})


def next_generation(trials: list[asktell.Trial], rng: random.Random) -> Iterator[tuple[dict[str, float], int]]:
    """The rates of the next trials, and the trials that they go on from: the best quarter in place of the worst one."""
    ranked = sorted(trials, key=lambda trial: trial.metrics["val_loss"])
    quarter = max(1, len(ranked) // 4)
    for place, trial in enumerate(ranked):
        rates = {name: float(trial.params[name]) for name in RATES}
        if place < len(ranked) - quarter:
            yield rates, trial.number
            continue
        better = rng.choice(ranked[:quarter])
        yield (
            {name: perturbed(float(better.params[name]), domain, rng) for name, domain in RATES.items()},
            better.number,
        )


def perturbed(value: float, domain: asktell.Float, rng: random.Random) -> float:
    """A value nearby, within the domain."""
    return min(max(value * rng.choice(_FACTORS), domain.min), domain.max)


def run(study: asktell.Study, *, population: int, generations: int, stretch: int, keep: Path) -> Iterator[float]:
    """Trains the population; gives the best loss after each generation."""
    rows, validation = digits()
    rng = random.Random(1)
    for _ in range(population):
        first = {name: domain.min * (domain.max / domain.min) ** rng.random() for name, domain in RATES.items()}
        study.enqueue(first)
    for generation in range(generations):
        trials = []
        for _ in range(population):
            with study.ask() as trial:
                train(trial, rows, validation, stretch=stretch, keep=keep)
                trials.append(trial)
        yield min(trial.metrics["val_loss"] for trial in trials)
        if generation + 1 < generations:
            for rates, before in next_generation(trials, rng):
                study.enqueue(rates, continue_from=before)


def line_of(study: asktell.Study, trial: asktell.Trial) -> list[asktell.Trial]:
    """The trials that led to one, the first of them first."""
    line = [trial]
    while (before := line[0].continue_from) is not None:
        line.insert(0, study.trial(before))
    return line


def main() -> None:
    """Starts a server, trains, and prints the rates by which the best network came about."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--population", type=int, default=8)
    parser.add_argument("--generations", type=int, default=8)
    parser.add_argument("--stretch", type=int, default=5, help="epochs of one trial")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with (
        tempfile.TemporaryDirectory() as directory,
        local_server(directory) as server,
        asktell.Client(server.address()) as client,
    ):
        study = create(client, "population")
        sizes = {"population": options.population, "generations": options.generations, "stretch": options.stretch}
        for generation, best in enumerate(run(study, keep=Path(directory) / "checkpoints", **sizes), 1):
            print(f"generation {generation}: best val_loss {best:.4f}", flush=True)
        print("the rates of the best network:")
        for trial in line_of(study, study.best_trial):
            lr, l2, loss = trial.params["lr"], trial.params["l2"], trial.metrics["val_loss"]
            print(f"  trial {trial.number}: lr={lr:.4g} l2={l2:.3g} → val_loss {loss:.4f}")


if __name__ == "__main__":
    main()
