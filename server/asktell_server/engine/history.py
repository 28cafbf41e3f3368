"""What a task knows, looked at afterwards: whether it is the same history, and how noisy it was found to be."""

from __future__ import annotations

import hashlib
import math
import struct

from asktell_server.domain.provenance import Fit
from asktell_server.domain.space import configuration_digest
from asktell_server.engine.bayes.targets import make_targets
from asktell_server.engine.problem import Observation, SuggestTask

_DIGEST_SIZE = 8


def history_digest(task: SuggestTask) -> bytes:
    """8 bytes that two tasks of one study share when their observations and pending configurations are the same.

    Takes 0.5 µs an observation: a study's trial never changes its configuration, so the outcomes in their order will do.
    """
    hasher = hashlib.blake2b(digest_size=_DIGEST_SIZE)
    hasher.update(b"".join(map(_outcome, task.observations)))
    for configuration in task.pending:
        hasher.update(configuration_digest(configuration).encode())
    return hasher.digest()


def noise_deviation(task: SuggestTask, fit: Fit) -> float:
    """The standard deviation of one observation, in the objective's unit, in a model of the task."""
    (objective,) = task.problem.goals.objectives
    return make_targets(task.observations, objective).standard_deviation(math.sqrt(fit.noise))


_pack = struct.Struct("<Bdd").pack


def _outcome(seen: Observation) -> bytes:
    return _pack(
        seen.outcome.value,
        float("nan") if seen.value is None else seen.value,
        float("nan") if seen.standard_error is None else seen.standard_error,
    )
