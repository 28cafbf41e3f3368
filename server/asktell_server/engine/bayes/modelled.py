"""A task's model: its observations as data, the hyperparameters that fit them, and the surrogate of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asktell_server.engine.bayes import warm_start
from asktell_server.engine.bayes.fit import fit
from asktell_server.engine.bayes.kernel import Layout
from asktell_server.engine.bayes.surrogate import Surrogate
from asktell_server.engine.bayes.targets import Targets, make_targets
from asktell_server.engine.bayes.training import Data
from asktell_server.engine.encoding import Encoding
from asktell_server.engine.problem import SuggestTask
from asktell_server.engine.seeding import generator

FIT_OBSERVATIONS = 150
"""Above this many the hyperparameters are fitted to the best half of them and random other ones."""
MOST_OBSERVATIONS = 2000
"""The model is conditioned on at most this many: the best half of them and random other ones."""
COLD_EVERY = 5
"""Every so many observations the fit starts from the priors as well: a way out of a bad optimum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Modelled:
    """What a model knows of a task: `fitted_to` is the part of the data that the hyperparameters were fitted to."""

    encoding: Encoding
    targets: Targets
    fitted_to: Data
    surrogate: Surrogate


def modelled(task: SuggestTask) -> Modelled:
    """The model of the task's observations; pending trials are not in it.

    Raises:
        ModelError: it gives no usable numbers.
    """
    encoding = Encoding(task.problem.space)
    (objective,) = task.problem.goals.objectives
    targets = make_targets(task.observations, objective)
    configurations = [task.observations[row].parameters for row in targets.rows]
    everything = Data(
        x=encoding.encode(configurations), y=targets.values, noise=targets.noise, layout=Layout.of(encoding)
    )
    data = _at_most(everything, MOST_OBSERVATIONS, generator(task, "observations"))
    fitted_to = _at_most(data, FIT_OBSERVATIONS, generator(task, "fit"))
    hyperparameters = fit(
        fitted_to,
        warm=warm_start.unpack(task.warm_start, task.problem, count=data.layout.parameter_count),
        cold=len(task.observations) % COLD_EVERY == 0,
    )
    return Modelled(encoding=encoding, targets=targets, fitted_to=fitted_to, surrogate=Surrogate(data, hyperparameters))


def _at_most(data: Data, most: int, rng: np.random.Generator) -> Data:
    """The best half of `most` observations and random other ones, in their order; all where there are no more."""
    if len(data.y) <= most:
        return data
    order: npt.NDArray[np.int64] = np.argsort(data.y, kind="stable")
    others = rng.choice(order[most // 2 :], size=most - most // 2, replace=False)
    return data.rows(np.sort(np.concatenate([order[: most // 2], others])))
