"""Trains a network of 1 to 3 blocks on handwritten digits: what it is built of is what is searched for.

    asktell run examples/digits_architecture.yaml -- python -m examples.digits_architecture

A block is a dense layer of some width with an activation, or dropout at some rate; the optimiser is SGD with a momentum or Adam with
a decay. Which parameters there are depends on the values of others (`when`), so a trial has only those of its own network. They are
read from ASKTELL_PARAMS_JSON.
"""

import json
import os
import sys
from collections.abc import Callable, Generator, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from examples.python_digits import CLASSES, HERE, Split, read_digits, softmax

Floats = NDArray[np.float64]
Steps = Generator[Floats, Floats, None]
Params = Mapping[str, float | int | str | bool]

EPOCHS = 8
_BATCH = 32


class Block(Protocol):
    """A part of the network, from inputs (rows x inputs) to outputs (rows x outputs)."""

    weights: list[Floats]
    slopes: list[Floats]

    def forward(self, inputs: Floats, *, training: bool) -> Floats:
        """The outputs."""
        ...

    def backward(self, slope: Floats) -> Floats:
        """The loss's slope along the inputs from that along the outputs; keeps those along the weights in `slopes`."""
        ...


class Dense:
    """A layer of units with an activation."""

    def __init__(self, inputs: int, units: int, activation: str, random: np.random.Generator) -> None:
        self.weights = [random.standard_normal((inputs, units)) * np.sqrt(2 / inputs), np.zeros(units)]
        self.slopes: list[Floats] = []
        self._activation = activation

    def forward(self, inputs: Floats, *, training: bool) -> Floats:
        """See Block."""
        raw = inputs @ self.weights[0] + self.weights[1]
        self._inputs, self._outputs = inputs, raw
        if self._activation == "relu":
            self._outputs = np.maximum(raw, 0.0)
        elif self._activation == "tanh":
            self._outputs = np.tanh(raw)
        return self._outputs

    def backward(self, slope: Floats) -> Floats:
        """See Block."""
        if self._activation == "relu":
            slope = slope * (self._outputs > 0)
        elif self._activation == "tanh":
            slope = slope * (1.0 - self._outputs**2)
        self.slopes = [self._inputs.T @ slope, slope.sum(axis=0)]
        return slope @ self.weights[0].T


class Dropout:
    """Switches a share of its inputs off while training."""

    def __init__(self, rate: float, random: np.random.Generator) -> None:
        self.weights: list[Floats] = []
        self.slopes: list[Floats] = []
        self._rate, self._random = rate, random

    def forward(self, inputs: Floats, *, training: bool) -> Floats:
        """See Block."""
        kept = self._random.random(inputs.shape) >= self._rate if training else np.ones(inputs.shape)
        self._kept = kept / (1.0 - self._rate) if training else kept
        return inputs * self._kept

    def backward(self, slope: Floats) -> Floats:
        """See Block."""
        return slope * self._kept


def network(params: Params, inputs: int) -> list[Block]:
    """The blocks that the parameters describe, and a last layer that tells the digits apart."""
    random = np.random.default_rng(1)
    blocks: list[Block] = []
    for number in range(1, int(params["blocks"]) + 1):
        if params[f"operation_{number}"] == "dense":
            width = int(params[f"width_{number}"])
            blocks.append(Dense(inputs, width, str(params[f"activation_{number}"]), random))
            inputs = width
        else:
            blocks.append(Dropout(float(params[f"rate_{number}"]), random))
    return [*blocks, Dense(inputs, CLASSES, "none", random)]


def optimizer(params: Params) -> Callable[[Floats], Steps]:
    """Makes a generator for weights: it takes their slopes and gives the steps."""

    def sgd(weights: Floats) -> Steps:
        speed, slope = np.zeros_like(weights), (yield np.zeros_like(weights))
        while True:
            speed = float(params["momentum"]) * speed - float(params["lr_sgd"]) * slope
            slope = yield speed

    def adam(weights: Floats) -> Steps:
        decay, time = float(params["decay"]), 0
        mean, square, slope = np.zeros_like(weights), np.zeros_like(weights), (yield np.zeros_like(weights))
        while True:
            time += 1
            mean, square = 0.9 * mean + 0.1 * slope, decay * square + (1.0 - decay) * slope**2
            unbiased = np.sqrt(square / (1.0 - decay**time)) + 1e-8
            slope = yield -float(params["lr_adam"]) * mean / (1.0 - 0.9**time) / unbiased

    return sgd if params["optimizer"] == "sgd" else adam


def forward(blocks: list[Block], images: Floats, *, training: bool) -> Floats:
    """The shares of the digits (rows x digits)."""
    for block in blocks:
        images = block.forward(images, training=training)
    return softmax(images)


def train(params: Params, data: Split, *, epochs: int = EPOCHS) -> list[Block]:
    """The trained network."""
    blocks = network(params, data.images.shape[1])
    make = optimizer(params)
    steppers = [[make(weights) for weights in block.weights] for block in blocks]
    for stepper in (each for several in steppers for each in several):
        next(stepper)
    random = np.random.default_rng(2)
    for _ in range(epochs):
        order = random.permutation(len(data.labels))
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            slope = forward(blocks, data.images[rows], training=True)
            slope[np.arange(len(rows)), data.labels[rows]] -= 1
            slope /= len(rows)
            for block, several in zip(reversed(blocks), reversed(steppers), strict=True):
                slope = block.backward(slope)
                for weights, gradient, stepper in zip(block.weights, block.slopes, several, strict=True):
                    weights += stepper.send(gradient)
    return blocks


def run(params: Params, *, epochs: int = EPOCHS) -> dict[str, float]:
    """Trains one network on the training rows, and measures it on the validation rows."""
    training, validation = read_digits(HERE / "data" / "digits.csv")
    with np.errstate(all="ignore"):  # a rate that is too high diverges: the loss says so
        blocks = train(params, training, epochs=epochs)
        shares = forward(blocks, validation.images, training=False)
    right = shares[np.arange(len(validation.labels)), validation.labels]
    return {
        "val_loss": float(-np.log(np.maximum(right, 1e-300)).mean()),
        "val_error": float((shares.argmax(axis=1) != validation.labels).mean()),
        "weights": float(sum(weights.size for block in blocks for weights in block.weights)),
    }


def main() -> None:
    """Reads the parameters, trains, prints the metrics as a line of JSON."""
    if "ASKTELL_PARAMS_JSON" not in os.environ:
        sys.exit(__doc__)
    print(json.dumps(run(json.loads(os.environ["ASKTELL_PARAMS_JSON"]))))


if __name__ == "__main__":
    main()
