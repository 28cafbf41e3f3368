"""Trains a small network on handwritten digits: how accurate is it, and how large?

    asktell run examples/digits_tradeoff.yaml -- python -m examples.digits_network --pixels {pixels} --width {width} \
        --lr {lr} --l2 {l2} --epochs {epochs}

With examples/digits_small.yaml in its place the loss alone is optimised, among networks of at most 1,000 weights.
"""

import argparse
import json
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from examples.python_digits import CLASSES, HERE, Split, read_digits, softmax

Floats = NDArray[np.float64]

_BATCH = 32


def shrunk(data: Split, pixels: int) -> Split:
    """Images of `pixels` by `pixels` (1, 2, 4 or 8), each the mean of a square of the original; and the 1 for the bias."""
    side = 8 // pixels
    squares = data.images[:, :64].reshape(-1, pixels, side, pixels, side).mean(axis=(2, 4))
    return Split(np.hstack([squares.reshape(len(squares), -1), data.images[:, 64:]]), data.labels)


class Network:
    """One hidden layer of rectified units. `size` is its number of weights."""

    def __init__(self, inputs: int, width: int) -> None:
        random = np.random.default_rng(1)  # the same start for every configuration
        self.into = random.standard_normal((inputs, width)) * np.sqrt(2 / inputs)
        self.out = np.zeros((width + 1, CLASSES))

    @property
    def size(self) -> int:
        """How many weights it has, biases included."""
        return self.into.size + self.out.size

    def hidden(self, images: Floats) -> Floats:
        """What goes into the last layer: the units, and a 1 for the bias."""
        return np.hstack([np.maximum(images @ self.into, 0.0), np.ones((len(images), 1))])

    def train(self, data: Split, *, lr: float, l2: float, epochs: int) -> None:
        """Stochastic gradient descent with momentum."""
        for _ in self.epochs(data, lr=lr, l2=l2, epochs=epochs):
            pass

    def epochs(self, data: Split, *, lr: float, l2: float, epochs: int) -> Iterator[int]:
        """The same, and gives the number of each epoch at its end."""
        random = np.random.default_rng(2)
        speed_into, speed_out = np.zeros_like(self.into), np.zeros_like(self.out)
        for epoch in range(1, epochs + 1):
            order = random.permutation(len(data.labels))
            for start in range(0, len(order), _BATCH):
                rows = order[start : start + _BATCH]
                images, hidden = data.images[rows], self.hidden(data.images[rows])
                error = softmax(hidden @ self.out)
                error[np.arange(len(rows)), data.labels[rows]] -= 1
                back = (error @ self.out.T)[:, :-1] * (hidden[:, :-1] > 0)
                speed_out = 0.9 * speed_out - lr * (hidden.T @ error / len(rows) + l2 * self.out)
                speed_into = 0.9 * speed_into - lr * (images.T @ back / len(rows) + l2 * self.into)
                self.out += speed_out
                self.into += speed_into
            yield epoch


def evaluate(network: Network, data: Split) -> dict[str, float]:
    """Mean cross-entropy and share of wrong answers."""
    shares = softmax(network.hidden(data.images) @ network.out)
    right = shares[np.arange(len(data.labels)), data.labels]
    return {
        "val_loss": float(-np.log(np.maximum(right, 1e-300)).mean()),
        "val_error": float((shares.argmax(axis=1) != data.labels).mean()),
    }


def run(*, pixels: int, width: int, lr: float, l2: float, epochs: int) -> dict[str, float]:
    """Trains one configuration on the training rows, and measures it on the validation rows."""
    training, validation = (shrunk(rows, pixels) for rows in read_digits(HERE / "data" / "digits.csv"))
    network = Network(training.images.shape[1], width)
    network.train(training, lr=lr, l2=l2, epochs=epochs)
    return {**evaluate(network, validation), "weights": network.size}


def main() -> None:
    """Reads the flags, trains, prints the metrics as a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pixels", type=int, default=8, help="of each side of the images: 1, 2, 4 or 8")
    parser.add_argument("--width", type=int, default=32, help="units of the hidden layer")
    parser.add_argument("--lr", type=float, default=0.03)
    parser.add_argument("--l2", type=float, default=1e-4)
    parser.add_argument("--epochs", type=int, default=10)
    print(json.dumps(run(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
