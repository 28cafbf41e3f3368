"""What a model is made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asktell_server.engine.bayes.layout import Layout
from asktell_server.engine.space.warp import Points


class ModelError(ArithmeticError):
    """The model gives no usable numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Training data: points (n x d), outputs (n), known noise variances (n; 0 = none), and what the columns are."""

    x: Points
    y: npt.NDArray[np.float64]
    noise: npt.NDArray[np.float64]
    layout: Layout

    def rows(self, index: npt.NDArray[np.int64]) -> Data:
        """Some of the data."""
        return Data(x=self.x[index], y=self.y[index], noise=self.noise[index], layout=self.layout)
