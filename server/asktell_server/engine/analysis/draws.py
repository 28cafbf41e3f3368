"""Functions that a Gaussian process holds possible, each of them known everywhere.

A function of the prior plus what the data say against it (Matheron's rule; Wilson et al. 2020, "Efficiently sampling functions from
Gaussian process posteriors"). The prior's functions are sums of random features: cosines for the Matérn kernel on numbers, whose
frequencies have Student's distribution with 5 degrees of freedom (Rahimi & Recht 2007), and random signs of categories: the kernel
on them is a product over columns, each of which says "equal" or counts for exp(-share) otherwise.

BoTorch has such paths for its own kernels, not for a mixed one in closed form.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from asktell_server.engine.bayes.gaussian_process import GaussianProcess
from asktell_server.engine.space.warp import Points

Matrix = npt.NDArray[np.float64]

_FEATURES = 512
_DEGREES = 5.0
"""Of freedom: twice the smoothness of the Matérn-5/2 kernel."""


class Draws:
    """`count` functions of the posterior of a process."""

    def __init__(self, process: GaussianProcess, count: int, rng: np.random.Generator) -> None:
        self._process = process
        layout, kernel = process.data.layout, process.kernel
        self._layout = layout
        self._scales = np.concatenate([kernel.scales, kernel.scales[list(layout.tips)]])
        self._parts = [(place, weight) for place, weight in enumerate(kernel.mix) if weight > 0.0]
        chi = rng.chisquare(_DEGREES, size=(2, _FEATURES)) / _DEGREES
        normal = rng.standard_normal((2, _FEATURES, len(self._scales)))
        self._frequencies = normal / np.sqrt(chi)[:, :, None] / self._scales
        self._phases = rng.uniform(0.0, 2.0 * np.pi, size=(2, _FEATURES))
        heard = rng.uniform(size=(2, len(kernel.shares), _FEATURES)) > np.exp(-kernel.shares)[:, None]
        signs = [2 * rng.integers(2, size=(2, each, _FEATURES), dtype=np.int8) - 1 for each in layout.counts]
        self._signs = [np.where(heard[:, place, None], each, np.int8(1)) for place, each in enumerate(signs)]
        self._weights = rng.standard_normal((self.features, count))
        data = process.data
        noise = np.sqrt(data.noise + process.noise)[:, None] * rng.standard_normal((len(data.y), count))
        self._pull = process.inverse @ (data.y[:, None] - process.mean - self._prior(data.x) - noise)

    @property
    def features(self) -> int:
        """How many features there are: what a point costs beside its covariances."""
        return len(self._parts) * _FEATURES

    def at(self, x: Points) -> Matrix:
        """Their values (m x count) at points (m x d), standardised."""
        values: Matrix = self._process.mean + self._prior(x) + self._process.kernel.covariance(x) @ self._pull
        return values

    def _prior(self, x: Points) -> Matrix:
        return self._features(x) @ self._weights

    def _features(self, x: Points) -> Matrix:
        """Features (m x parts * features): their products are the covariances, on average."""
        coordinates = self._layout.coordinates(x)
        blocks = []
        for place, weight in self._parts:
            # Parts of the kernel: numbers, categories, both; the first two have features of their own.
            own = 1 if place == 2 else 0
            block = np.ones((len(x), _FEATURES))
            if place in (0, 2) and self._layout.numeric:
                angles = coordinates.numbers @ self._frequencies[own].T + self._phases[own]
                block = np.sqrt(2.0) * np.cos(angles)
            if place in (1, 2):
                for column, signs in enumerate(self._signs):
                    block *= signs[own][coordinates.names[:, column].astype(np.int64)]
            blocks.append(np.sqrt(weight / _FEATURES) * block)
        return np.concatenate(blocks, axis=1)
