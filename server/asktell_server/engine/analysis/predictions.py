"""What is believed of given configurations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from asktell_server.domain.space import Key

if TYPE_CHECKING:
    from asktell_server.engine.analysis.study_model import StudyModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """Beliefs about metrics at configurations, in the metrics' units, without noise.

    Attributes:
        metrics: their names (k).
        means: (m x k).
        deviations: standard deviations (m x k).
    """

    metrics: tuple[str, ...]
    means: npt.NDArray[np.float64]
    deviations: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionQuestion:
    """Asks for the beliefs about all metrics at configurations, by their keys (m)."""

    keys: tuple[Key, ...]

    def __hash__(self) -> int:
        # That of all of 1,000 keys of 100 values takes milliseconds, each time.
        return hash((len(self.keys), self.keys[0], self.keys[-1]))

    @property
    def size(self) -> int:
        """See Question."""
        return len(self.keys) * (len(self.keys[0]) + 4)

    def answer(self, model: StudyModel) -> Predictions:
        """See Question."""
        points = model.points(self.keys)
        beliefs = [model.beliefs(points, metric) for metric in model.metrics]
        return Predictions(
            metrics=tuple(model.metrics),
            means=np.stack([each.means for each in beliefs], axis=1),
            deviations=np.stack([each.deviations for each in beliefs], axis=1),
        )
