"""Where the model believes the best configuration to lie, tried or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asktell_server.domain.space import Key

if TYPE_CHECKING:
    from asktell_server.engine.analysis.study_model import StudyModel

_ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BelievedOptimum:
    """What is believed of the configuration with the best mean, and of the best mean among those that were tried.

    In the metric's unit, without noise. `parameters` is the key of the configuration.
    """

    key: Key
    mean: float
    deviation: float
    tried_mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimumQuestion:
    """Asks where the best of an objective is believed to lie; outcome constraints have no say."""

    metric: str

    @property
    def size(self) -> int:
        """See Question."""
        return 100

    def answer(self, model: StudyModel) -> BelievedOptimum:
        """See Question."""
        from asktell_server.engine.bayes.raw_points import CENTRES, raw_points
        from asktell_server.engine.seeding import generator

        process, region = model.process(self.metric), model.region
        tried = process.lowest(CENTRES)
        rng = generator(model.task, "optimum")
        centres = tried
        for _ in range(_ROUNDS):  # each looks more closely around the best of the round before
            points = np.concatenate([centres, raw_points(region, rng, centres=centres)])
            order = np.argsort(model.standardised_means(points, self.metric), kind="stable")
            centres = points[order[:CENTRES]]
        found, best = model.beliefs(centres[:1], self.metric), model.beliefs(tried[:1], self.metric)
        space = model.task.problem.space
        return BelievedOptimum(
            key=space.key(region.encoding.decode(centres[0])),
            mean=float(found.means[0]),
            deviation=float(found.deviations[0]),
            tried_mean=float(best.means[0]),
        )
