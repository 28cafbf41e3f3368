"""How well the model foretells each result from all others: leave-one-out cross-validation (see `left_out.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.stats import norm, rankdata

if TYPE_CHECKING:
    from asktell_server.engine.analysis.study_model import StudyModel

Vector = npt.NDArray[np.float64]


def rank_correlation(left: Vector, right: Vector) -> float:
    """Spearman's rank correlation of two lists of numbers (n); 0 where one is constant."""
    ranks = rankdata(left), rankdata(right)
    return float(np.corrcoef(*ranks)[0, 1]) if all(map(np.ptp, ranks)) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossValidation:
    """Each result that the model knows, and what it foretells of it without that result.

    Attributes:
        rows: places of the results (n) in the history, rising.
        observed: the values (n) as they were told, in the metric's unit.
        means: predictions (n).
        deviations: their standard deviations (n), the noise of a result included.
    """

    rows: npt.NDArray[np.int64]
    observed: Vector
    means: Vector
    deviations: Vector

    @property
    def rank_correlation(self) -> float:
        """Spearman's correlation of results and predictions; 0 where either are all equal."""
        return rank_correlation(self.observed, self.means)

    def coverage(self, middle: float) -> float:
        """The share of results inside the middle part (0 to 1) of their predictions."""
        return float((np.abs(self.observed - self.means) <= norm.ppf(0.5 + middle / 2) * self.deviations).mean())

    @property
    def rmse(self) -> float:
        """Root of the mean squared error, in the metric's unit."""
        errors = self.observed - self.means
        largest = float(np.abs(errors).max())  # squares of huge errors stay finite
        return largest * float(np.sqrt(((errors / largest) ** 2).mean())) if largest else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationQuestion:
    """Asks how well the model of a metric foretells results. `results`: how many there are."""

    metric: str
    results: int

    @property
    def size(self) -> int:
        """See Question."""
        return 4 * self.results

    def answer(self, model: StudyModel) -> CrossValidation:
        """See Question."""
        from asktell_server.engine.analysis.left_out import left_out

        targets, places = model.of(self.metric).targets, model.known_places(self.metric)
        means, deviations = left_out(model, self.metric)
        rows = model.known_rows(self.metric)
        return CrossValidation(
            rows=rows,
            observed=model.task.history.values[rows, model.metrics.index(self.metric)],
            means=targets.goal.cost(1.0) * (targets.centre + targets.width * means[places]),
            deviations=targets.width * deviations[places],
        )
