"""Optuna's own suite for samplers, whole, over the engine in this process."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)

from asktell.integrations.optuna import AsktellSampler


class TestSuite(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    """Every case of Optuna's."""

    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return AsktellSampler
