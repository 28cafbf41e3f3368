"""Whether results are noisy: by how much a model with noise explains them better than one without."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from asktell_server.engine.bayes.fit import WARM_STEPS, Loss
from asktell_server.engine.bayes.layout import Hyperparameters
from asktell_server.engine.bayes.training import Data


def noise_evidence(data: Data, fitted: Hyperparameters) -> float:
    """The log likelihood ratio (nats, at least 0) of a fit with noise against the best one without.

    Without noise the function has to pass through every point, and the other hyperparameters are fitted anew for that.
    The prior of the noise takes no part. A function that is too rough for the kernel looks noisy, too.
    """
    loss_of = Loss(data)
    layout = data.layout
    floor = layout.log_bounds[0][0]
    start = np.log(layout.bounded(fitted))

    def exact(logs: Hyperparameters) -> tuple[float, Hyperparameters]:
        loss, gradient = loss_of(np.concatenate([[floor], logs]))
        return loss, gradient[1:]

    result = minimize(
        exact,
        start[1:],
        jac=True,
        method="L-BFGS-B",
        bounds=layout.log_bounds[1:],
        options={"maxiter": WARM_STEPS},
    )
    prior = layout.priors[0]

    def belief(log_noise: float) -> float:
        return float(log_noise + 0.5 * ((log_noise - prior.location) / prior.scale) ** 2)

    with_noise = loss_of(start)[0] - belief(start[0])
    without = float(result.fun) - belief(floor)
    return max(0.0, without - with_noise)
