"""Fitted hyperparameters as bytes, for the next fit of the same problem."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from asktell_server.engine.bayes.layout import Hyperparameters
from asktell_server.engine.problem import Problem

_FORMAT = b"asktell-gp-2"
"""Changes with the meaning of the vector."""
_DIGEST_SIZE = 16


def pack(vectors: Sequence[Hyperparameters], problem: Problem) -> bytes:
    """A digest of problem and numbers, then the numbers of one model after the other as little-endian doubles."""
    numbers = np.concatenate(vectors).astype("<f8").tobytes()
    return _digest(problem, numbers) + numbers


def unpack(data: bytes, problem: Problem, *, count: int) -> Sequence[Hyperparameters] | None:
    """The numbers of one model after the other, `count` of each; None when the bytes are empty, damaged or of another problem."""
    digest, numbers = data[:_DIGEST_SIZE], data[_DIGEST_SIZE:]
    models, rest = divmod(len(numbers), 8 * count)
    if rest or models < len(problem.goals.metrics) or digest != _digest(problem, numbers):
        return None
    return list(np.frombuffer(numbers, dtype="<f8").astype(np.float64).reshape(models, count))


def _digest(problem: Problem, numbers: bytes) -> bytes:
    # The representation of frozen dataclasses of plain values is the same in every process.
    goals = problem.goals
    # What is known of one objective alone has stayed the same since the first servers.
    constrained = [(goals.metrics, goals.directions)] if goals.outcome_constraints else []
    conditions = [] if problem.space.forest is None else [each.condition for each in problem.space.parameters]
    text = repr((problem.space, goals.objectives, *constrained, *conditions)).encode()
    return hashlib.blake2b(text + numbers, digest_size=_DIGEST_SIZE, person=_FORMAT).digest()
