"""The Gaussian process in closed form: means, variances and their gradients by a few matrix products.

BoTorch's SingleTaskGP with the same hyperparameters gives the same numbers (tests compare both, to 1e-6) at many times
the price: almost all of its time goes into the graph of small operations behind every evaluation. `model.py` shows this
one to BoTorch.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.linalg.lapack as lapack

from asktell_server.engine.bayes.kernel import Kernel, Matrix, Sloped
from asktell_server.engine.bayes.layout import Hyperparameters
from asktell_server.engine.bayes.surrogates import Moments, Slopes, Vector
from asktell_server.engine.bayes.training import Data, ModelError
from asktell_server.engine.space.warp import Points

_ROUGH_FROM = 300
"""Observations from which on rough moments are computed in single precision, which takes half the time."""
_CHUNK = 256
"""Points whose rough moments are computed at once, so that the matrices stay in the processor's cache."""


class GaussianProcess:
    """A `Surrogate`: a Gaussian process with given hyperparameters, conditioned on data. Cheap to ask, cheap to extend.

    Attributes:
        data: what it is conditioned on, believed observations included.
        kernel: the covariance function towards the n points of the data.
        mean: what the model expects far from all observations.
        inverse: the inverse covariance matrix K⁻¹ of the observations (n x n).
        alpha: K⁻¹ (y - mean) (n).
    """

    def __init__(self, data: Data, hyperparameters: Hyperparameters) -> None:
        self.hyperparameters = data.layout.bounded(hyperparameters)
        self.data = data
        self.kernel = Kernel(data.layout, self.hyperparameters, data.x)
        matrix = self.kernel.covariance(data.x)
        matrix[np.diag_indices(len(matrix))] = self.kernel.variance + data.noise + self.noise
        self.inverse = _symmetric_inverse(matrix)
        ones, outputs = self.inverse.sum(axis=1), self.inverse @ data.y
        self.mean = float(outputs.sum() / ones.sum())
        self.alpha: Vector = outputs - self.mean * ones

    @property
    def noise(self) -> float:
        """The learned variance of an observation."""
        return float(self.hyperparameters[0])

    def moments(self, x: Points) -> Moments:
        """See Surrogate."""
        k = self.kernel.covariance(x)
        return Moments(self.mean + k @ self.alpha, self.kernel.variance - _row_products(k @ self.inverse, k))

    def rough_moments(self, x: Points) -> Moments:
        """See Surrogate."""
        if len(self.data.y) < _ROUGH_FROM:
            return self.moments(x)
        inverse = self.inverse.astype(np.float32)
        means, variances = [], []
        for start in range(0, len(x), _CHUNK):
            k = self.kernel.covariance(x[start : start + _CHUNK])
            means.append(self.mean + k @ self.alpha)
            single = k.astype(np.float32)
            variances.append(self.kernel.variance - _row_products(single @ inverse, single))
        return Moments(np.concatenate(means), np.concatenate(variances))

    def slopes(self, x: Points) -> Slopes:
        """See Surrogate."""
        at = self.kernel.with_slope(x)
        k = at.covariance
        pull = k @ self.inverse
        by_mean, by_variance = at.slope * self.alpha, at.slope * pull
        return Slopes(
            mean=self.mean + k @ self.alpha,
            variance=self.kernel.variance - _row_products(pull, k),
            mean_gradient=self._gradient(by_mean, at),
            variance_gradient=-2.0 * self._gradient(by_variance, at),
        )

    def covariance(self, x: Points) -> tuple[Vector, Matrix]:
        """See Surrogate."""
        mean, covariance, _ = self._joint(x)
        return mean, covariance

    def observed_means(self) -> Vector:
        """Means (n) at the observations themselves, without what noise is believed to have added to them."""
        return self.data.y - (self.data.noise + self.noise) * self.alpha

    def lowest(self, most: int) -> Points:
        """See Surrogate."""
        order = np.argsort(self.observed_means(), kind="stable")
        return self.data.x[order[:most]]

    def believe(self, x: Points) -> GaussianProcess:
        """See Surrogate. The inverse grows by m rows (block inversion)."""
        if not len(x):
            return self
        mean, joint, pull = self._joint(x)
        joint[np.diag_indices(len(x))] += self.noise
        corner = _symmetric_inverse(joint)
        believing = object.__new__(GaussianProcess)
        believing.hyperparameters, believing.mean = self.hyperparameters, self.mean
        believing.data = Data(
            x=np.concatenate([self.data.x, x]),
            y=np.concatenate([self.data.y, mean]),
            noise=np.concatenate([self.data.noise, np.zeros(len(x))]),
            layout=self.data.layout,
        )
        believing.kernel = Kernel(self.data.layout, self.hyperparameters, believing.data.x)
        side = corner @ pull
        believing.inverse = np.block([[self.inverse + pull.T @ side, -side.T], [-side, corner]])
        believing.alpha = np.concatenate([self.alpha, np.zeros(len(x))])
        return believing

    def _joint(self, x: Points) -> tuple[Vector, Matrix, Matrix]:
        """Means (m), joint covariance (m x m), and what each observation adds to each mean (m x n)."""
        k = self.kernel.covariance(x)
        pull = k @ self.inverse
        prior = Kernel(self.data.layout, self.hyperparameters, x).covariance(x)
        return self.mean + k @ self.alpha, prior - pull @ k.T, pull

    def _gradient(self, factors: Matrix, at: Sloped) -> Matrix:
        """Σ factors (x' - x) / l² over the observations (m x numeric columns); 0 along columns that are absent from x."""
        fixed = self.kernel.scaled[:, : len(self.kernel.scales)]
        gradient: Matrix = factors @ fixed - factors.sum(axis=1)[:, None] * at.scaled
        gradient /= self.kernel.scales
        return gradient if at.active is None else gradient * at.active


def _symmetric_inverse(matrix: Matrix) -> Matrix:
    """The inverse by Cholesky's factor. Noise of at least 1e-4 on the diagonal keeps it accurate.

    Raises:
        ModelError: the matrix is not positive definite.
    """
    factor, failed = lapack.dpotrf(matrix.T, lower=1, clean=0)
    if failed:
        raise ModelError("a covariance matrix is not positive definite")
    inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
    lower = np.tril(inverse, -1)
    symmetric: Matrix = np.ascontiguousarray(lower + lower.T)
    symmetric[np.diag_indices(len(matrix))] = np.diagonal(inverse)
    return symmetric


def _row_products(left: npt.NDArray[np.floating], right: npt.NDArray[np.floating]) -> Vector:
    return np.einsum("ij,ij->i", left, right).astype(np.float64, copy=False)
