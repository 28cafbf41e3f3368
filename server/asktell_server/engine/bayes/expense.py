"""Improvement per cost: an acquisition function divided by what a trial is expected to cost, in log space.

The cost is modelled on its own, by its logarithm (Snoek, Larochelle & Adams 2012, section 3.2): costs are positive, and go over
decades. A power below 1 of the expected cost minds it less (Lee et al. 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from asktell_server.engine.bayes.acquisition import Acquisition
from asktell_server.engine.bayes.gaussian_process import GaussianProcess
from asktell_server.engine.bayes.kernel import Matrix
from asktell_server.engine.bayes.layout import Layout
from asktell_server.engine.bayes.modelled import Modelled, fitted_process
from asktell_server.engine.bayes.surrogates import Moments, Slopes, Vector
from asktell_server.engine.bayes.training import Data
from asktell_server.engine.observations import Outcome
from asktell_server.engine.problem import StudyTask

LEAST_KNOWN = 3
"""Costs from which a model of them is made; before, cost is not minded."""
_LEAST_SHARE = 1e-3
"""Of the median cost: what counts for less, and for nothing at all. Logarithms of less would be all that the model sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expense:
    """The model of log costs, standardised, and the standard deviation of log costs."""

    process: GaussianProcess
    width: float


class LogPerCost:
    """log (acquisition / expected cost ** exponent), where the last of the metrics is the standardised log cost."""

    def __init__(self, acquisition: Acquisition, *, width: float, exponent: float) -> None:
        """Takes the function of the other metrics, and the standard deviation of log costs."""
        self._acquisition, self._width, self._exponent = acquisition, width, exponent

    def scores(self, moments: Sequence[Moments]) -> Vector:
        """See Acquisition."""
        *others, cost = moments
        # The mean of a log-normal cost, but for the constant that the standardisation took off.
        expected = self._width * cost.mean + self._width**2 * cost.variance / 2.0
        score: Vector = self._acquisition.scores(others) - self._exponent * expected
        return score

    def scores_with_gradient(self, slopes: Sequence[Slopes]) -> tuple[Vector, Matrix]:
        """See Acquisition."""
        *others, cost = slopes
        score, gradient = self._acquisition.scores_with_gradient(others)
        expected = self._width * cost.mean + self._width**2 * cost.variance / 2.0
        slope = self._width * cost.mean_gradient + self._width**2 * cost.variance_gradient / 2.0
        return score - self._exponent * expected, gradient - self._exponent * slope

    def believing(self, moments: Callable[[], Sequence[Moments]]) -> LogPerCost:
        """See Acquisition."""
        inner = self._acquisition.believing(lambda: moments()[:-1])
        return LogPerCost(inner, width=self._width, exponent=self._exponent)


def expense_of(task: StudyTask, model: Modelled) -> Expense | None:
    """The model of what trials cost; None where too few costs are known, or all are equal.

    Raises:
        ModelError: it gives no usable numbers.
    """
    history = task.history
    told, errors = history.values[:, -1], history.standard_errors[:, -1]
    rows = np.flatnonzero(history.mask(Outcome.VALUE) & ~history.expected & np.isfinite(told))
    positive = told[rows][told[rows] > 0]
    if len(rows) < LEAST_KNOWN or not len(positive):
        return None
    costs = np.maximum(told[rows], _LEAST_SHARE * np.median(positive))
    logs = np.log(costs)
    width = float(logs.std())
    if width <= 1e-9 * max(1.0, float(np.abs(logs).max())):
        return None
    region = model.region
    data = Data(
        x=region.encoding.encode_keys([history.keys[row] for row in rows.tolist()]),
        y=(logs - logs.mean()) / width,
        noise=(np.nan_to_num(errors[rows]) / costs / width) ** 2,
        layout=Layout.of(region.encoding),
    )
    _, process = fitted_process(task, data, warm=model.last_warm)
    return Expense(process=process, width=width)
