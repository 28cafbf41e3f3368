"""A task's model: its observations as data, the hyperparameters that fit them, and a Gaussian process of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asktell_server.engine.bayes import warm_start
from asktell_server.engine.bayes.fit import COARSE, FINE, fit
from asktell_server.engine.bayes.gaussian_process import GaussianProcess
from asktell_server.engine.bayes.layout import Hyperparameters, Layout
from asktell_server.engine.bayes.surrogates import Surrogates
from asktell_server.engine.bayes.targets import Targets, targets_of
from asktell_server.engine.bayes.training import Data
from asktell_server.engine.problem import StudyTask
from asktell_server.engine.seeding import generator
from asktell_server.engine.space.region import Region

FIT_OBSERVATIONS = 150
"""Above this many observations the hyperparameters are fitted to the best half of as many and to random other ones."""
MOST_OBSERVATIONS = 2000
"""The model is conditioned on at most this many: the best half of them and random other ones."""
COLD_EVERY = 5
"""Where the number of observations is a multiple of this, the fit starts from the priors as well: a way out of a bad
optimum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelledMetric:
    """The model of one metric: `fitted_to` is the part of the data that the hyperparameters were fitted to."""

    targets: Targets
    fitted_to: Data
    process: GaussianProcess


@dataclass(frozen=True, slots=True, kw_only=True)
class Modelled:
    """What is believed of a task: the models of its metrics, in the problem's order.

    `warm` are the hyperparameters of an earlier answer: those of the metrics, and behind them those of any further model.
    """

    region: Region
    metrics: tuple[ModelledMetric, ...]
    warm: Sequence[Hyperparameters] | None

    @property
    def further_warm(self) -> Hyperparameters | None:
        """Where the fit of a further model begins."""
        known = self.warm or ()
        return known[len(self.metrics)] if len(known) > len(self.metrics) else None

    @property
    def last_warm(self) -> Hyperparameters | None:
        """Where the fit of the model of the cost begins, which comes last."""
        known = self.warm or ()
        return known[-1] if len(known) > len(self.metrics) else None

    @property
    def surrogates(self) -> Surrogates:
        """The models as the search sees them."""
        return Surrogates([metric.process for metric in self.metrics])


def modelled(task: StudyTask, *, fitted: bytes = b"") -> Modelled:
    """The model of the task's observations; pending trials are not in it.

    `fitted` are hyperparameters of a fit to these very observations, packed like a warm start: they are taken as they are.

    Raises:
        ModelError: it gives no usable numbers.
    """
    region = task.region
    layout = Layout.of(region.encoding)
    warm = warm_start.unpack(task.warm_start, task.problem, count=layout.parameter_count)
    known = warm_start.unpack(fitted, task.problem, count=layout.parameter_count)
    metrics = []
    for place in range(len(task.problem.goals.metrics)):
        targets = targets_of(task, place)
        points = region.encoding.encode_keys([task.history.keys[row] for row in targets.rows])
        data = Data(x=points, y=targets.values, noise=targets.noise, layout=layout)
        fitted_to, process = fitted_process(
            task, data, warm=None if warm is None else warm[place], known=None if known is None else known[place]
        )
        metrics.append(ModelledMetric(targets=targets, fitted_to=fitted_to, process=process))
    return Modelled(region=region, metrics=tuple(metrics), warm=warm)


def fitted_process(
    task: StudyTask, everything: Data, *, warm: Hyperparameters | None, known: Hyperparameters | None = None
) -> tuple[Data, GaussianProcess]:
    """A process of the data, and the part that its hyperparameters were fitted to, from `warm` on; or with those `known`."""
    data = _part(everything, conditioned_on(task, everything.y))
    fitted_to = _part(data, _at_most(data.y, FIT_OBSERVATIONS, generator(task, "fit")))
    if known is not None:
        return fitted_to, GaussianProcess(data, known)
    gain = COARSE if len(task.problem.goals.metrics) > 1 else FINE
    hyperparameters = fit(fitted_to, warm=warm, cold=len(task.history) % COLD_EVERY == 0, warm_gain=gain)
    return fitted_to, GaussianProcess(data, hyperparameters)


def conditioned_on(task: StudyTask, y: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The places of those of a task's outputs (n) that its model is conditioned on, rising."""
    return _at_most(y, MOST_OBSERVATIONS, generator(task, "observations"))


def _part(data: Data, places: npt.NDArray[np.int64]) -> Data:
    """Some of the data; the very same where it is all."""
    return data if len(places) == len(data.y) else data.rows(places)


def _at_most(y: npt.NDArray[np.float64], most: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """The places of the best half of `most` outputs and of random other ones, rising; all where there are no more."""
    if len(y) <= most:
        return np.arange(len(y))
    order: npt.NDArray[np.int64] = np.argsort(y, kind="stable")
    others = rng.choice(order[most // 2 :], size=most - most // 2, replace=False)
    return np.sort(np.concatenate([order[: most // 2], others]))
