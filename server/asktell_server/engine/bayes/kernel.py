"""The covariance function in closed form: Matérn-5/2 on numbers, mixed with a kernel on categories.

On numbers Kc = (1 + s + s²/3) exp(-s) with s² = 5 Σ (x - x')² / l², one length scale per column. On categories
Kh = exp(-mean of [x ≠ x'] / l), BoTorch's CategoricalKernel. Where a space has both, K = a·Kc + b·Kh + c·Kc·Kh, the form
of BoTorch's MixedSingleTaskGP with length scales shared between the sum and the product: measured on twelve mixed
problems 0.25 decades of regret better at 50 trials than one product. There is no other output scale.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from asktell_server.engine.bayes.layout import Hyperparameters, Layout
from asktell_server.engine.space.activity import Mask
from asktell_server.engine.space.warp import Points

Matrix = npt.NDArray[np.float64]
Array = TypeVar("Array", bound=Any)
"""An array of NumPy or a tensor of PyTorch: the formulas take both."""


def matern(distance: Array, decay: Callable[[Array], Array]) -> Array:
    """Kc at distances s. `decay` gives exp(-s); it comes last and may do so in the memory of the distances.

    Every step but the first works in place: at 640 x 1,000 points every copy is 5 MB.
    """
    value = distance / 3
    value += 1.0
    value *= distance
    value += 1.0
    value *= decay(distance)
    return value


def matern_slope(distance: Array, decay: Array) -> Array:
    """The slope t of Kc at distances s with their exp(-s): dKc/dx = -t (x - x') / l², and dKc/d ln l = t (x - x')² / l²."""
    slope = distance + 1.0
    slope *= 5 / 3
    slope *= decay
    return slope


def mixture(numbers: Array, names: Array, both: Array, weights: tuple[float, float, float]) -> Array:
    """K = a·Kc + b·Kh + c·Kc·Kh of Kc, Kh and their product."""
    a, b, c = weights
    return numbers * a + names * b + both * c


class Sloped(NamedTuple):
    """Covariances of points with the fixed ones of a kernel, and what their gradients are made of.

    Attributes:
        covariance: k (m x n).
        slope: t (m x n): dk/dx = -t (x - x') / l² along each numeric column that exists.
        scaled: the points' coordinates in the numeric columns (m x numeric columns), divided by the length scales.
        active: which of these exist; None where all always do.
    """

    covariance: Matrix
    slope: Matrix
    scaled: Points
    active: Mask | None


class Kernel:
    """The covariance function with given hyperparameters, towards fixed points (n x d).

    Attributes:
        scales: length scales of the numeric columns.
        scaled: the fixed points' numeric coordinates (`Coordinates.numbers`), divided by them; the numeric columns come
            first.
        shares: what a difference in each categorical column adds to the exponent of Kh.
        mix: the weights a, b, c.
        variance: of any point by itself.
    """

    def __init__(self, layout: Layout, vector: Hyperparameters, points: Points) -> None:
        scales = vector[1 : 1 + layout.dimension]
        self._layout = layout
        self._numeric = list(layout.numeric)
        self.scales = scales[self._numeric]
        self._all_scales = np.concatenate([self.scales, self.scales[list(layout.tips)]])
        self.shares = 1.0 / (scales[list(layout.categorical)] * max(1, len(layout.categorical)))
        self.mix = layout.weights(vector)
        self.variance = sum(self.mix)
        coordinates = layout.coordinates(points)
        self.scaled = coordinates.numbers / self._all_scales
        self._squares = np.einsum("ij,ij->i", self.scaled, self.scaled)
        # The categories of all categorical columns in a row, and the place of the column that each belongs to.
        self._owners = np.repeat(np.arange(len(layout.counts)), layout.counts)
        self._categories = np.concatenate([np.zeros(0), *map(np.arange, layout.counts)])
        self._indicators = self._indicate(coordinates.names) * self.shares[self._owners]

    def covariance(self, x: Points) -> Matrix:
        """Covariances (m x n) of points (m x d) with the fixed ones."""
        coordinates = self._layout.coordinates(x)
        if not self._numeric:
            return np.exp(-self._mismatch(coordinates.names))
        numbers = matern(self._distance(coordinates.numbers / self._all_scales), _decay_in_place)
        if not self._layout.categorical:
            return numbers
        a, b, c = self.mix
        categories = np.exp(-self._mismatch(coordinates.names))
        # `mixture` with Kc factored out: one product of large matrices less.
        return (a + c * categories) * numbers + b * categories

    def with_slope(self, x: Points) -> Sloped:
        """Covariances of points (m x d) with the fixed ones, and their slopes."""
        coordinates = self._layout.coordinates(x)
        scaled = coordinates.numbers / self._all_scales
        distance = self._distance(scaled)
        decay = np.exp(-distance)
        covariance, slope = matern(distance, lambda _: decay), matern_slope(distance, decay)
        if self._layout.categorical:
            categories = np.exp(-self._mismatch(coordinates.names))
            a, b, c = self.mix
            factor = a + c * categories
            covariance, slope = factor * covariance + b * categories, factor * slope
        return Sloped(covariance, slope, scaled[:, : len(self.scales)], coordinates.active)

    def _distance(self, scaled: Points) -> Matrix:
        """√5 r (m x n)."""
        squared = scaled @ self.scaled.T
        squared *= -2.0
        squared += np.einsum("ij,ij->i", scaled, scaled)[:, None]
        squared += self._squares
        np.maximum(squared, 0.0, out=squared)
        squared *= 5.0
        return np.sqrt(squared, out=squared)

    def _mismatch(self, names: Points) -> Matrix:
        """Mean of [x ≠ x'] / l over the categorical columns (m x n): one product of indicator matrices."""
        mismatch = self._indicate(names) @ self._indicators.T
        np.subtract(self.shares.sum(), mismatch, out=mismatch)
        return np.maximum(mismatch, 0.0, out=mismatch)

    def _indicate(self, names: Points) -> Matrix:
        """One column per category of each categorical column: 1 where the point has it."""
        return (names[:, self._owners] == self._categories).astype(np.float64, order="C")


def _decay_in_place(distance: Matrix) -> Matrix:
    np.negative(distance, out=distance)
    return np.exp(distance, out=distance)
