"""Everything random in the engine: drawn from the study's seed and the length of its history, never from global state."""

from __future__ import annotations

import zlib

import numpy as np

from asktell_server.engine.problem import StudyTask


def generator(task: StudyTask, purpose: str) -> np.random.Generator:
    """A generator of its own for each purpose, the same for the same task in any process."""
    return np.random.default_rng([*seed_of(task), zlib.crc32(purpose.encode())])


def study_generator(task: StudyTask, purpose: str) -> np.random.Generator:
    """A generator that stays the same while the study's history grows."""
    return np.random.default_rng([task.seed, zlib.crc32(purpose.encode())])


def seed_of(task: StudyTask) -> tuple[int, int, int]:
    """Numbers that change with every trial of a study."""
    return task.seed, len(task.history), len(task.pending)
