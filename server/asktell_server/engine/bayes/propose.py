"""A task in, suggestions of the model out. Raises whatever goes wrong; the sampler falls back."""

from __future__ import annotations

import numpy as np

from asktell_server.domain.trial import Origin, Prediction
from asktell_server.engine.bayes import warm_start
from asktell_server.engine.bayes.acquisition import Acquisition
from asktell_server.engine.bayes.expected_improvement import LogExpectedImprovement, aim
from asktell_server.engine.bayes.finder import Finder
from asktell_server.engine.bayes.modelled import Modelled, modelled
from asktell_server.engine.bayes.search import Found
from asktell_server.engine.bayes.threads import one_thread
from asktell_server.engine.bayes.training import ModelError
from asktell_server.engine.problem import StudyTask, Suggestion, SuggestResult


def propose(task: StudyTask, count: int) -> SuggestResult:
    """`count` suggestions of the model, and the next warm start.

    Raises:
        Exception: any: no task should, but matrices can.
    """
    with one_thread():
        model = modelled(task)
        found = Finder(task, model.region, model.surrogates, _acquisition(model)).find(count)
        return SuggestResult(
            suggestions=tuple(_suggestion(one, model) for one in found),
            warm_start=warm_start.pack(model.hyperparameters, task.problem),
        )


def _acquisition(model: Modelled) -> Acquisition:
    (objective,) = model.metrics
    return LogExpectedImprovement(aim(objective.targets.best, objective.process.data.layout))


def _suggestion(found: Found, model: Modelled) -> Suggestion:
    prediction = _prediction(found, model)
    if not np.isfinite([prediction.mean, prediction.standard_deviation, prediction.acquisition_value]).all():
        raise ModelError(f"the model predicts {prediction}")
    configuration = model.region.encoding.decode(found.point)
    return Suggestion(parameters=configuration, origin=Origin.MODEL, prediction=prediction)


def _prediction(found: Found, model: Modelled) -> Prediction:
    (objective,) = model.metrics
    (moments,) = model.surrogates.moments(found.point[None, :])
    return Prediction(
        mean=objective.targets.mean(float(moments.mean[0])),
        standard_deviation=objective.targets.standard_deviation(float(np.sqrt(max(moments.variance[0], 0.0)))),
        acquisition_value=found.value,
    )
