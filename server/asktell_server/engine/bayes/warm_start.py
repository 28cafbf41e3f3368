"""Fitted hyperparameters as bytes, for the next fit of the same problem."""

from __future__ import annotations

import hashlib

import numpy as np

from asktell_server.engine.bayes.layout import Hyperparameters
from asktell_server.engine.problem import Problem

_FORMAT = b"asktell-gp-2"
"""Changes with the meaning of the vector."""
_DIGEST_SIZE = 16


def pack(hyperparameters: Hyperparameters, problem: Problem) -> bytes:
    """A digest of problem and numbers, then the numbers as little-endian doubles."""
    numbers = hyperparameters.astype("<f8").tobytes()
    return _digest(problem, numbers) + numbers


def unpack(data: bytes, problem: Problem, *, count: int) -> Hyperparameters | None:
    """The `count` numbers; None when the bytes are empty, damaged or of another problem."""
    digest, numbers = data[:_DIGEST_SIZE], data[_DIGEST_SIZE:]
    if len(numbers) != 8 * count or digest != _digest(problem, numbers):
        return None
    vector: Hyperparameters = np.frombuffer(numbers, dtype="<f8").astype(np.float64)
    return vector


def _digest(problem: Problem, numbers: bytes) -> bytes:
    # The representation of frozen dataclasses of plain values is the same in every process.
    text = repr((problem.space, problem.goals.objectives)).encode()
    return hashlib.blake2b(text + numbers, digest_size=_DIGEST_SIZE, person=_FORMAT).digest()
