"""The model of a study for those who analyse it: beliefs in the metrics' own units, at any points of the space.

It is the model that suggestions come from, with the same hyperparameters where an earlier answer has left them: clipped and
standardised results, failed ones as bad ones, stopped ones by what is expected of them. Pending trials and earlier studies are no
part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from asktell_server.domain.space import Key
from asktell_server.engine.bayes import warm_start
from asktell_server.engine.bayes.gaussian_process import GaussianProcess
from asktell_server.engine.bayes.modelled import Modelled, ModelledMetric, conditioned_on, modelled
from asktell_server.engine.bayes.training import ModelError
from asktell_server.engine.problem import StudyTask
from asktell_server.engine.space.region import Region
from asktell_server.engine.space.warp import Points

Vector = npt.NDArray[np.float64]

_CHUNK = 1000
"""Points whose beliefs are worked out at once: bounds the memory that it takes."""


class Beliefs(NamedTuple):
    """Means (m) and standard deviations (m) of a metric without noise, in its unit."""

    means: Vector
    deviations: Vector


class StudyModel:
    """What is believed of a task's metrics.

    Attributes:
        task: what is known of the study.
        region: its configurations as points: `region.encoding.encode` turns configurations into points (m x d) of the unit cube,
            `region.sample` draws them.
    """

    def __init__(self, task: StudyTask, *, fitted: bytes = b"") -> None:
        """`fitted` are `hyperparameters` of an earlier model of this very task.

        Raises:
            ModelError: there are no usable numbers.
        """
        self.task = task
        self._modelled = modelled(task, fitted=fitted)
        self.region: Region = self._modelled.region

    @property
    def modelled(self) -> Modelled:
        """The models of all metrics as the engine has them."""
        return self._modelled

    @property
    def metrics(self) -> Sequence[str]:
        """The objectives and constrained metrics, in the order of the goals."""
        return self.task.problem.goals.metrics

    @property
    def hyperparameters(self) -> bytes:
        """What was fitted, packed."""
        return warm_start.pack([metric.process.hyperparameters for metric in self._modelled.metrics], self.task.problem)

    @property
    def result_count(self) -> int:
        """How many results of trials that have come to their end the model knows: all of them, up to 2,000."""
        return len(self.known_rows(self.metrics[0]))

    def of(self, metric: str) -> ModelledMetric:
        """The Gaussian process of a metric, and the way back to its unit."""
        return self._modelled.metrics[self.metrics.index(metric)]

    def process(self, metric: str) -> GaussianProcess:
        """The Gaussian process of a metric: standardised, lower is better."""
        return self.of(metric).process

    def known_places(self, metric: str) -> npt.NDArray[np.int64]:
        """Which outputs of the process have been measured at the end of a trial, rather than made up for a failure or expected of a
        trial that was stopped: places in `process(metric).data`.
        """
        targets = self.of(metric).targets
        return np.flatnonzero(targets.reached[conditioned_on(self.task, targets.values)])

    def known_rows(self, metric: str) -> npt.NDArray[np.int64]:
        """The places in the task's history of the observations at `known_places`."""
        targets = self.of(metric).targets
        return targets.rows[conditioned_on(self.task, targets.values)[self.known_places(metric)]]

    def noise_deviation(self, metric: str) -> float:
        """Standard deviation of one result, in the metric's unit, beyond a standard error that was told."""
        known = self.of(metric)
        return known.targets.standard_deviation(float(np.sqrt(known.process.noise)))

    def points(self, keys: Sequence[Key]) -> Points:
        """The points (m x d) of configurations, by their keys (`SearchSpace.key`)."""
        return self.region.encoding.encode_keys(keys)

    def beliefs(self, points: Points, metric: str) -> Beliefs:
        """What is believed of a metric at points (m x d).

        Raises:
            ModelError: there are no usable numbers.
        """
        known = self.of(metric)
        parts = [known.process.moments(part) for part in _chunks(points)]
        mean, variance = (np.concatenate(moments) for moments in zip(*parts, strict=True))
        targets = known.targets
        means = targets.goal.cost(1.0) * (targets.centre + targets.width * mean)
        deviations = targets.width * np.sqrt(np.maximum(variance, 0.0))
        if not (np.isfinite(means).all() and np.isfinite(deviations).all()):
            raise ModelError(f"the model's beliefs about {metric} are no finite numbers")
        return Beliefs(means, deviations)

    def standardised_means(self, points: Points, metric: str) -> Vector:
        """Means (m) at points (m x d), standardised, lower is better: a fraction of the price of `beliefs`."""
        process = self.process(metric)
        return np.concatenate(
            [process.mean + process.kernel.covariance(part) @ process.alpha for part in _chunks(points)]
        )


def _chunks(points: Points) -> list[Points]:
    return [points[start : start + _CHUNK] for start in range(0, max(1, len(points)), _CHUNK)]
