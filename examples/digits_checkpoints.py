"""Trains a small torch network on handwritten digits, from a checkpoint where there is one, and keeps one at the end.

    asktell run examples/digits_fidelity.yaml --workers 2 -- \
        python -m examples.digits_checkpoints --width {width} --lr {lr} --l2 {l2} --epochs {epochs} --keep checkpoints

A configuration that is promoted to more epochs goes on from where its last trial has ended (docs/multi-fidelity.md).
"""

import argparse
import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from examples.python_digits import CLASSES, HERE, Split, read_digits

_BATCH = 64
MOMENTUM = 0.9


@dataclasses.dataclass(slots=True)
class Training:
    """A network in training: how many epochs it has had, and its optimiser, whose rates may change between them."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    width: int
    epochs: int = 0

    @classmethod
    def begin(cls, *, width: int, lr: float, l2: float) -> "Training":
        """A network that has learned nothing; the same start for every configuration of a width."""
        torch.manual_seed(1)
        network = nn.Sequential(nn.Linear(65, width), nn.ReLU(), nn.Linear(width, CLASSES))
        optimizer = torch.optim.SGD(network.parameters(), lr=lr, weight_decay=l2, momentum=MOMENTUM)
        return cls(network, optimizer, width)

    @classmethod
    def resume(cls, checkpoint: Path, *, lr: float, l2: float) -> "Training":
        """As it was kept, but for the rates, which are those of the new trial. Raises FileNotFoundError."""
        kept: dict[str, Any] = torch.load(checkpoint, weights_only=True)
        training = cls.begin(width=int(kept["width"]), lr=lr, l2=l2)
        training.network.load_state_dict(kept["network"])
        training.optimizer.load_state_dict(kept["optimizer"])
        for group in training.optimizer.param_groups:
            group.update(lr=lr, weight_decay=l2)
        training.epochs = int(kept["epochs"])
        return training

    def keep(self, checkpoint: Path) -> Path:
        """Writes a checkpoint, whole or not at all."""
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        beside = checkpoint.with_suffix(".part")
        torch.save(
            {
                "network": self.network.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "width": self.width,
                "epochs": self.epochs,
            },
            beside,
        )
        return beside.replace(checkpoint)

    def train(self, data: Split, *, until: int) -> Iterator[int]:
        """Trains on, and gives the number of each epoch at its end; nothing where it has had as many."""
        images, labels = _tensors(data)
        while self.epochs < until:
            order = np.random.default_rng(self.epochs).permutation(len(labels))  # goes on as if it had never ended
            for start in range(0, len(order), _BATCH):
                rows = torch.from_numpy(order[start : start + _BATCH])
                self.optimizer.zero_grad()
                nn.functional.cross_entropy(self.network(images[rows]), labels[rows]).backward()
                self.optimizer.step()
            self.epochs += 1
            yield self.epochs

    def loss(self, data: Split) -> float:
        """Mean cross-entropy."""
        images, labels = _tensors(data)
        with torch.no_grad():
            return float(nn.functional.cross_entropy(self.network(images), labels))


def _tensors(data: Split) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(data.images).float(), torch.from_numpy(np.asarray(data.labels)).long()


def digits() -> tuple[Split, Split]:
    """The rows to train on, and those to validate with."""
    return read_digits(HERE / "data" / "digits.csv")


def main() -> None:
    """Reads the flags and `asktell run`'s variables; prints the curve, where the checkpoint lies, and the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--l2", type=float, default=1e-4)
    parser.add_argument("--epochs", type=int, default=9, help="that the network is to have had in the end")
    parser.add_argument("--keep", type=Path, default=Path("checkpoints"), help="where checkpoints are kept")
    options = parser.parse_args()
    torch.set_num_threads(1)
    training_rows, validation = digits()
    before = os.environ.get("ASKTELL_CHECKPOINT")
    if before:
        training = Training.resume(Path(before), lr=options.lr, l2=options.l2)
    else:
        training = Training.begin(width=options.width, lr=options.lr, l2=options.l2)
    begun = training.epochs
    for epoch in training.train(training_rows, until=options.epochs):
        print(json.dumps({"step": epoch, "val_loss": training.loss(validation)}), flush=True)
    kept = training.keep(options.keep / f"trial-{os.environ.get('ASKTELL_TRIAL', '0')}.pt")
    print(json.dumps({"annotations": {"checkpoint": str(kept.resolve())}}))
    print(json.dumps({"val_loss": training.loss(validation), "epochs_trained": training.epochs - begun}))


if __name__ == "__main__":
    main()
