"""A task in, suggestions of the model out. Raises whatever goes wrong; the sampler falls back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from asktell_server.domain.trial import Origin, Prediction
from asktell_server.engine.bayes import warm_start
from asktell_server.engine.bayes.finder import Finder
from asktell_server.engine.bayes.fit import fit
from asktell_server.engine.bayes.kernel import Hyperparameters, Layout
from asktell_server.engine.bayes.search import Found
from asktell_server.engine.bayes.surrogate import Surrogate
from asktell_server.engine.bayes.targets import Targets, make_targets
from asktell_server.engine.bayes.threads import one_thread
from asktell_server.engine.bayes.training import Data, ModelError
from asktell_server.engine.encoding import Encoding
from asktell_server.engine.problem import Suggestion, SuggestResult, SuggestTask
from asktell_server.engine.seeding import generator

FIT_OBSERVATIONS = 150
"""Above this many the hyperparameters are fitted to the best half of them and random other ones."""
MOST_OBSERVATIONS = 2000
"""The model is conditioned on at most this many: the best half of them and random other ones."""
COLD_EVERY = 5
"""Every so many observations the fit starts from the priors as well: a way out of a bad optimum."""


def propose(task: SuggestTask) -> SuggestResult:
    """`task.count` suggestions of the model, and the next warm start.

    Raises:
        Exception: any: no task should, but matrices can.
    """
    with one_thread():
        encoding = Encoding(task.problem.space)
        targets = make_targets(task.observations, task.problem.objectives[0])
        data = _data(task, encoding, targets)
        hyperparameters = _fit(task, data)
        surrogate = Surrogate(data, hyperparameters)
        found = Finder(task, encoding, surrogate, best=targets.best).find(task.count)
        return SuggestResult(
            suggestions=tuple(_suggestion(one, surrogate, encoding, targets) for one in found),
            warm_start=warm_start.pack(hyperparameters, task.problem),
        )


def _data(task: SuggestTask, encoding: Encoding, targets: Targets) -> Data:
    configurations = [task.observations[row].parameters for row in targets.rows]
    everything = Data(
        x=encoding.encode(configurations), y=targets.values, noise=targets.noise, layout=Layout.of(encoding)
    )
    return _at_most(everything, MOST_OBSERVATIONS, generator(task, "observations"))


def _fit(task: SuggestTask, data: Data) -> Hyperparameters:
    return fit(
        _at_most(data, FIT_OBSERVATIONS, generator(task, "fit")),
        warm=warm_start.unpack(task.warm_start, task.problem, count=data.layout.parameter_count),
        cold=len(task.observations) % COLD_EVERY == 0,
    )


def _at_most(data: Data, most: int, rng: np.random.Generator) -> Data:
    """The best half of `most` observations and random other ones, in their order; all where there are no more."""
    if len(data.y) <= most:
        return data
    order: npt.NDArray[np.int64] = np.argsort(data.y, kind="stable")
    others = rng.choice(order[most // 2 :], size=most - most // 2, replace=False)
    return data.rows(np.sort(np.concatenate([order[: most // 2], others])))


def _suggestion(found: Found, surrogate: Surrogate, encoding: Encoding, targets: Targets) -> Suggestion:
    mean, variance = surrogate.moments(found.point[None, :])
    prediction = Prediction(
        mean=targets.mean(float(mean[0])),
        standard_deviation=targets.standard_deviation(float(np.sqrt(max(variance[0], 0.0)))),
        acquisition_value=found.value,
    )
    if not np.isfinite([prediction.mean, prediction.standard_deviation, prediction.acquisition_value]).all():
        raise ModelError(f"the model predicts {prediction}")
    return Suggestion(parameters=encoding.decode(found.point), origin=Origin.MODEL, prediction=prediction)
