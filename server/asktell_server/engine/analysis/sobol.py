"""Sobol indices of functions over a region. What they are, and by which estimators: see `importances.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from asktell_server.domain.fidelity import target_of
from asktell_server.domain.space import SearchSpace
from asktell_server.engine.analysis.dependent import dependent_indices
from asktell_server.engine.analysis.draws import Draws
from asktell_server.engine.analysis.importances import Importances, Indices
from asktell_server.engine.analysis.study_model import StudyModel
from asktell_server.engine.bayes.gaussian_process import GaussianProcess
from asktell_server.engine.filling import sobol_blocks
from asktell_server.engine.seeding import study_generator
from asktell_server.engine.space.region import Region, region_of
from asktell_server.engine.space.warp import Points

Matrix = npt.NDArray[np.float64]
Functions = Callable[[Points], Matrix]
"""Values (m x F) of F functions at points (m x d)."""

DRAWS = 32
_MOST, _LEAST = 1024, 64
"""Points of a design: at 1,024 the shares of a function of 6 parameters are off by 0.003 (RMSE)."""
_PRICE = 12_000_000
"""Covariances that the indices of the mean may cost, about: 0.15 s."""
_PRICE_OF_DRAWS = 4_000_000
"""Covariances and features that those of the draws may cost, about as long."""
_CATEGORIES = 64
"""Observations whose categories are compared at the price of a covariance, for each category that there is."""
_CHUNK = 1000


def importances_of(model: StudyModel, metric: str) -> Importances:
    """The importances of the parameters for a metric, and how sure the model is of them."""
    process, region = model.process(metric), _whole(model.task.problem.space)
    known, categories = len(process.data.y), sum(process.data.layout.counts)
    blocks = 2 * region.encoding.dimension + 2
    price = known + categories * (1 + known // _CATEGORIES)
    draws = Draws(process, DRAWS, study_generator(model.task, "draws"))
    of_mean = _indices(
        lambda points: _means(process, points),
        region,
        _power_of_two(_PRICE / (blocks * price)),
        study_generator(model.task, "importances"),
    )
    of_draws = _indices(
        draws.at,
        region,
        _power_of_two(_PRICE_OF_DRAWS / (blocks * (price + draws.features))),
        study_generator(model.task, "importances of draws"),
    )
    varied = [place for place in range(region.encoding.dimension) if place not in region.encoding.held]
    return Importances(
        names=tuple(region.encoding.names[place] for place in varied),
        indices=_of(varied, of_mean, lambda shares: shares[..., 0]),
        deviations=_of(varied, of_draws, lambda shares: shares.std(axis=-1)),
    )


def _whole(space: SearchSpace) -> Region:
    """The region of a space, at the highest fidelity where there is one: how much of the whole a trial runs is nobody's choice."""
    if (fidelity := space.fidelity) is None:
        return region_of(space)
    return region_of(space, ((fidelity.name, target_of(fidelity)),))


def _of(varied: Sequence[int], indices: Indices, reduce: Callable[[Matrix], Matrix]) -> Indices:
    """Those of some parameters, with the functions reduced to one number."""
    return Indices(
        first=reduce(indices.first)[varied],
        total=reduce(indices.total)[varied],
        pairs=reduce(indices.pairs)[np.ix_(varied, varied)],
    )


def _means(process: GaussianProcess, points: Points) -> Matrix:
    return (process.mean + process.kernel.covariance(points) @ process.alpha)[:, None]


def _indices(functions: Functions, region: Region, size: int, rng: np.random.Generator) -> Indices:
    """The indices of F functions over a region: (d x F), (d x F) and (d x d x F)."""

    def values(points: Points) -> Matrix:
        return np.concatenate([functions(points[start : start + _CHUNK]) for start in range(0, len(points), _CHUNK)])

    if region.limits is not None:
        return dependent_indices(values, region, size, rng)
    return independent_indices(lambda uniform: values(region.sample(uniform)), region.encoding.dimension, size, rng)


def independent_indices(functions: Functions, dimension: int, size: int, rng: np.random.Generator) -> Indices:
    """The indices of F functions of d independent uniform numbers: (d x F), (d x F) and (d x d x F).

    `size` is a power of two; functions are called with size * (2d + 2) rows of numbers in all.
    """
    both = next(sobol_blocks(2 * dimension, rng, size=size))
    a, b = both[:, :dimension], both[:, dimension:]
    at_a, at_b = functions(a), functions(b)
    centre = (at_a.mean(axis=0) + at_b.mean(axis=0)) / 2
    at_a, at_b = at_a - centre, at_b - centre
    with_b = np.stack([functions(_exchanged(a, b, column)) - centre for column in range(dimension)])
    with_a = np.stack([functions(_exchanged(b, a, column)) - centre for column in range(dimension)])
    variance = ((at_a**2).mean(axis=0) + (at_b**2).mean(axis=0)) / 2
    first = ((at_b * (with_b - at_a)).mean(axis=1) + (at_a * (with_a - at_b)).mean(axis=1)) / 2
    total = (((at_a - with_b) ** 2).mean(axis=1) + ((at_b - with_a) ** 2).mean(axis=1)) / 4
    # A with b's column k and B with a's column j agree in exactly these two.
    closed = np.einsum("jnf,knf->jkf", with_a, with_b) / size - (at_a * at_b).mean(axis=0)
    closed = (closed + closed.transpose(1, 0, 2)) / 2
    return Indices.of(first=first, total=total, pairs=closed - first[:, None] - first[None, :], variance=variance)


def _exchanged(whole: Points, other: Points, column: int) -> Points:
    changed = whole.copy()
    changed[:, column] = other[:, column]
    return changed


def _power_of_two(most: float) -> int:
    return int(min(max(2 ** int(np.log2(max(most, 1.0))), _LEAST), _MOST))
