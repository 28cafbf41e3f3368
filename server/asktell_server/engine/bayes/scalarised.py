"""Four objectives or more as one: a random trade-off between them at each ask (ParEGO, Knowles 2006)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from asktell_server.engine.bayes.kernel import Matrix
from asktell_server.engine.bayes.surrogates import Vector
from asktell_server.engine.bayes.targets import clip

_SUM_SHARE = 0.05
"""Of the weighted sum: keeps points away that are only as good as others in the worst of their costs."""


def trade_off(costs: Matrix, front: npt.NDArray[np.int64], rng: np.random.Generator) -> Vector:
    """The augmented Chebyshev scalarisation of costs (n x m), standardised; lower is better (n).

    Weights are uniform on the simplex. Costs are scaled by the range of those with places in `front`.
    """
    best, worst = costs[front].min(axis=0), costs[front].max(axis=0)
    scaled = (costs - best) / np.where(worst > best, worst - best, 1.0)
    weighted = scaled * rng.dirichlet(np.ones(costs.shape[1]))
    one = clip(weighted.max(axis=1) + _SUM_SHARE * weighted.sum(axis=1))
    deviation = float(one.std())
    standardised: Vector = (one - one.mean()) / (deviation if deviation > 0 else 1.0)
    return standardised
