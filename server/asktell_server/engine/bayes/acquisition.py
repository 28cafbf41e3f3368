"""Log expected improvement of a surrogate: scores of many points, and BoTorch's function for the gradient."""

from __future__ import annotations

import torch
from botorch.acquisition import AcquisitionFunction, LogExpectedImprovement
from botorch.acquisition.analytic import _log_ei_helper
from torch import Tensor

from asktell_server.engine.bayes.surrogate import Surrogate

_MIN_VARIANCE = 1e-12  # as in BoTorch's analytic acquisition functions


class Acquisition:
    """How promising points are, against the lowest cost so far (Ament et al. 2023)."""

    def __init__(self, surrogate: Surrogate, best: float) -> None:
        self._surrogate = surrogate
        self._best = best

    def scores(self, x: Tensor) -> Tensor:
        """Log expected improvements (n) at points (n x d)."""
        return log_expected_improvement(*self._surrogate.moments(x), best=self._best)

    def function(self) -> AcquisitionFunction:
        """The same as a BoTorch acquisition function, for its optimisers."""
        return LogExpectedImprovement(self._surrogate.model, best_f=self._best, maximize=False)


def log_expected_improvement(mean: Tensor, variance: Tensor, *, best: float) -> Tensor:
    """log E[max(best - f, 0)] of normal f, elementwise and exact far into the tail."""
    deviation = variance.clamp_min(_MIN_VARIANCE).sqrt()
    value: Tensor = _log_ei_helper((best - mean) / deviation) + torch.log(deviation)
    return value
