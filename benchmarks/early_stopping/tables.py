"""Tables of real learning curves: every configuration of a small grid trained once, so that any number of studies replay them.

A table holds the validation loss after each epoch. Losses above CEILING (trainings that diverge) are recorded as that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

CEILING = 5.0
_DIVERGED = 1e6
_SEED = 0

Values = npt.NDArray[np.float64]
Levels = Mapping[str, Sequence[float]]
"""The levels of each parameter, rising."""


@dataclass(frozen=True, slots=True)
class Table:
    """The curves of a problem: `losses` (one axis for each parameter, then epochs)."""

    name: str
    levels: Levels
    losses: Values

    @property
    def epochs(self) -> int:
        """How many epochs a whole training has."""
        return self.losses.shape[-1]

    @property
    def best(self) -> float:
        """The lowest final loss of all configurations."""
        return float(self.losses[..., -1].min())

    def curve(self, places: Mapping[str, int]) -> Sequence[float]:
        """The losses of the configuration with these levels, by their places."""
        curve: list[float] = self.losses[tuple(places[name] for name in self.levels)].tolist()
        return curve


def digits() -> Table:
    """Networks of one hidden layer on handwritten digits (scikit-learn's `load_digits`), trained with torch for 50 epochs."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    levels: Levels = {
        "lr": np.geomspace(1e-3, 1.0, 10).tolist(),
        "width": [4, 8, 16, 32, 64],
        "l2": [0.0, 1e-5, 1e-4, 1e-3, 1e-2],
        "momentum": [0.0, 0.5, 0.9, 0.97],
    }
    return Table("digits", levels, _networks(images / 16.0, labels, levels, classes=10, epochs=50))


def diabetes() -> Table:
    """The same networks on the progress of diabetes (`load_diabetes`), 100 epochs, squared error: most of them overfit."""
    from sklearn.datasets import load_diabetes

    features, progress = load_diabetes(return_X_y=True)
    levels: Levels = {
        "lr": np.geomspace(1e-3, 1.0, 10).tolist(),
        "width": [4, 16, 64],
        "l2": [0.0, 1e-4, 1e-3, 1e-2, 1e-1],
        "momentum": [0.0, 0.5, 0.9, 0.97],
    }
    scaled = (progress - progress.mean()) / progress.std()
    return Table("diabetes", levels, _networks(features / features.std(axis=0), scaled, levels, classes=0, epochs=100))


def boosting() -> Table:
    """Gradient boosting of scikit-learn on `load_breast_cancer`: 60 rounds, of which each counts as an epoch."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.metrics import log_loss

    features, labels = load_breast_cancer(return_X_y=True)
    train, held_out = _halves(len(labels))
    levels: Levels = {
        "lr": np.geomspace(0.01, 1.0, 8).tolist(),
        "depth": [1, 2, 3, 4],
        "subsample": [0.3, 0.6, 1.0],
        "leaf": [1, 4, 16],
    }
    losses = []
    for lr, depth, subsample, leaf in product(*levels.values()):
        model = GradientBoostingClassifier(
            n_estimators=60,
            learning_rate=lr,
            max_depth=int(depth),
            subsample=subsample,
            min_samples_leaf=int(leaf),
            random_state=_SEED,
        )
        model.fit(features[train], labels[train])
        stages = model.staged_predict_proba(features[held_out])
        losses.append([log_loss(labels[held_out], stage) for stage in stages])
    return Table("boosting", levels, np.minimum(np.array(losses), CEILING).reshape(*map(len, levels.values()), -1))


TABLES: Mapping[str, Callable[[], Table]] = {"digits": digits, "diabetes": diabetes, "boosting": boosting}


def load(name: str, directory: Path) -> Table:
    """The table, from the directory; made and put there (a few minutes of a processor) where it is not."""
    path = directory / f"{name}.npz"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        made = TABLES[name]()
        columns: dict[str, Any] = {f"level_{key}": np.array(values) for key, values in made.levels.items()}
        np.savez_compressed(path, losses=made.losses.astype(np.float32), **columns)
    with np.load(path) as data:
        levels: Levels = {
            key.removeprefix("level_"): data[key].tolist() for key in data.files if key.startswith("level_")
        }
        return Table(name, levels, data["losses"].astype(np.float64))


def _halves(count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The rows to train on, two thirds, and those held out."""
    order = np.random.default_rng(_SEED).permutation(count)
    return order[count // 3 :], order[: count // 3]


def _networks(features: Values, targets: Values, levels: Levels, *, classes: int, epochs: int) -> Values:
    """Validation losses of networks with one hidden layer; those of one width are trained side by side."""
    import torch
    from torch.nn import functional

    torch.manual_seed(_SEED)
    train, held_out = _halves(len(features))
    x = torch.tensor(features, dtype=torch.float32)
    y = torch.tensor(targets, dtype=torch.int64 if classes else torch.float32)

    def losses_of(outputs: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """The mean loss of each network: outputs (networks x rows x outputs)."""
        if classes:
            each = functional.cross_entropy(
                outputs.flatten(0, 1), wanted.repeat(len(outputs)), reduction="none"
            ).reshape(len(outputs), -1)
        else:
            each = (outputs.squeeze(-1) - wanted).square()
        return each.mean(dim=1)

    found = []
    others = [values for name, values in levels.items() if name != "width"]
    for width in levels["width"]:
        rates, decays, momenta = (
            torch.tensor(column, dtype=torch.float32)[:, None, None]
            for column in np.array(list(product(*others)), dtype=np.float32).T
        )
        networks, hidden, inputs = len(rates), int(width), x.shape[1]
        shapes = [(inputs, hidden), (1, hidden), (hidden, classes or 1), (1, classes or 1)]
        first = [
            torch.randn(shape) / max(shape[0], 1) ** 0.5 if shape[0] > 1 else torch.zeros(shape) for shape in shapes
        ]
        weights = [each.expand(networks, *each.shape).clone().requires_grad_() for each in first]
        speeds = [torch.zeros_like(each) for each in weights]
        curves = []
        for rows in _batches(train, epochs):
            for batch in rows:
                rises = torch.autograd.grad(losses_of(_forward(x[batch], weights), y[batch]).sum(), weights)
                with torch.no_grad():
                    for weight, speed, rise in zip(weights, speeds, rises, strict=True):
                        speed.mul_(momenta).add_(rise + decays * weight).nan_to_num_(0.0, 0.0, 0.0)
                        weight.sub_(rates * speed).clamp_(-_DIVERGED, _DIVERGED)
            with torch.no_grad():
                losses = losses_of(_forward(x[held_out], weights), y[held_out])
                curves.append(torch.nan_to_num(losses, CEILING, CEILING).clamp(max=CEILING).double().numpy())
        found.append(np.stack(curves, axis=1))
    by_width = np.stack(found).reshape(len(levels["width"]), *map(len, others), epochs)
    return np.moveaxis(by_width, 0, list(levels).index("width"))


def _forward(rows: torch.Tensor, weights: Sequence[torch.Tensor]) -> torch.Tensor:
    """The outputs of each network (networks x rows x outputs)."""
    import torch

    hidden = torch.relu(torch.baddbmm(weights[1], rows.expand(len(weights[0]), *rows.shape), weights[0]))
    return torch.baddbmm(weights[3], hidden, weights[2])


def _batches(rows: npt.NDArray[np.int64], epochs: int, size: int = 64) -> Iterator[Sequence[npt.NDArray[np.int64]]]:
    """For each epoch its batches."""
    draw = np.random.default_rng(_SEED)
    for _ in range(epochs):
        order = draw.permutation(rows)
        yield [order[start : start + size] for start in range(0, len(order) - size + 1, size)]
