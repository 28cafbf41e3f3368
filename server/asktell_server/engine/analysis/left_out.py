"""What a model foretells of each of its observations from all others, in closed form.

Hyperparameters that have seen a result flatter what is foretold of it: 20 results of pure noise in 6 parameters had a rank correlation of
0.5 with what was foretold of them (mean of 6 studies; 0.1 with groups). So the results are put into five groups by chance, and each group
is foretold with hyperparameters that were fitted to the others. Those of many results are fitted to some of them, and one fit does for all.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from asktell_server.engine.analysis.study_model import StudyModel
from asktell_server.engine.bayes.fit import fit
from asktell_server.engine.bayes.gaussian_process import GaussianProcess
from asktell_server.engine.bayes.modelled import FIT_OBSERVATIONS
from asktell_server.engine.seeding import study_generator

Vector = npt.NDArray[np.float64]

GROUPS = 5
MOST_FITTED = FIT_OBSERVATIONS
"""Observations up to which hyperparameters are fitted for each group: up to here the model's own fit has seen them all."""


def left_out(model: StudyModel, metric: str) -> tuple[Vector, Vector]:
    """Means (n) of the process's outputs, each foretold from the others, and deviations (n), which include the noise.

    Raises:
        ModelError: a model gives no usable numbers.
    """
    process = model.process(metric)
    data = process.data
    count = len(data.y)
    if count > MOST_FITTED:
        return _left_out(process)
    means, deviations = np.empty(count), np.empty(count)
    rng = study_generator(model.task, "groups")
    for group in np.array_split(rng.permutation(count), min(GROUPS, count)):
        others = np.setdiff1d(np.arange(count), group)
        foretelling = GaussianProcess(data, fit(data.rows(others), warm=None, cold=True))
        means_of_all, deviations_of_all = _left_out(foretelling)
        means[group], deviations[group] = means_of_all[group], deviations_of_all[group]
    return means, deviations


def _left_out(process: GaussianProcess) -> tuple[Vector, Vector]:
    """The same with the hyperparameters of the process.

    Its mean is estimated from the others, too (Dubrule 1983, "Cross validation of kriging in a unique neighborhood"): with
    P = K⁻¹ - K⁻¹11ᵀK⁻¹ / 1ᵀK⁻¹1, which takes y to K⁻¹(y - mean), the error at an output is (Py)ᵢ / Pᵢᵢ and its variance 1 / Pᵢᵢ.
    """
    sums = process.inverse.sum(axis=1)
    diagonal = np.diagonal(process.inverse) - sums**2 / sums.sum()
    return process.data.y - process.alpha / diagonal, 1.0 / np.sqrt(diagonal)
