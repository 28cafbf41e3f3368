"""A task in, suggestions of the model out. Raises whatever goes wrong; the sampler falls back."""

from __future__ import annotations

import numpy as np

from asktell_server.domain.trial import Belief, Origin, Prediction
from asktell_server.engine.bayes import warm_start
from asktell_server.engine.bayes.acquisition import aim
from asktell_server.engine.bayes.finder import Finder
from asktell_server.engine.bayes.modelled import Modelled, modelled
from asktell_server.engine.bayes.search import Found
from asktell_server.engine.bayes.threads import one_thread
from asktell_server.engine.bayes.training import ModelError
from asktell_server.engine.problem import Problem, Suggestion, SuggestResult, SuggestTask


def propose(task: SuggestTask) -> SuggestResult:
    """`task.count` suggestions of the model, and the next warm start.

    Raises:
        Exception: any: no task should, but matrices can.
    """
    with one_thread():
        model = modelled(task)
        best = aim(model.targets.best, model.surrogate.data.layout)
        found = Finder(task, model.encoding, model.surrogate, best=best).find(task.count)
        return SuggestResult(
            suggestions=tuple(_suggestion(one, model, task.problem) for one in found),
            warm_start=warm_start.pack(model.surrogate.hyperparameters, task.problem),
        )


def _suggestion(found: Found, model: Modelled, problem: Problem) -> Suggestion:
    targets = model.targets
    mean, variance = model.surrogate.moments(found.point[None, :])
    belief = Belief(
        mean=targets.mean(float(mean[0])),
        standard_deviation=targets.standard_deviation(float(np.sqrt(max(variance[0], 0.0)))),
    )
    if not np.isfinite([belief.mean, belief.standard_deviation, found.value]).all():
        raise ModelError(f"the model predicts {belief} with the acquisition value {found.value}")
    beliefs = dict(zip(problem.goals.metrics, [belief], strict=True))
    prediction = Prediction(beliefs=beliefs, acquisition_value=found.value)
    return Suggestion(parameters=model.encoding.decode(found.point), origin=Origin.MODEL, prediction=prediction)
