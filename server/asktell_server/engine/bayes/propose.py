"""A task in, suggestions of the model out. Raises whatever goes wrong; the sampler falls back."""

from __future__ import annotations

import numpy as np

from asktell_server.domain.trial import Belief, Origin, Prediction
from asktell_server.engine.bayes import warm_start
from asktell_server.engine.bayes.finder import Finder
from asktell_server.engine.bayes.modelled import Modelled, ModelledMetric, modelled
from asktell_server.engine.bayes.pursuit import pursuit_of
from asktell_server.engine.bayes.search import Found
from asktell_server.engine.bayes.surrogates import Moments
from asktell_server.engine.bayes.threads import one_thread
from asktell_server.engine.bayes.training import ModelError
from asktell_server.engine.problem import StudyTask, Suggestion, SuggestResult


def propose(task: StudyTask, count: int) -> SuggestResult:
    """`count` suggestions of the model, and the next warm start.

    Raises:
        Exception: any: no task should, but matrices can.
    """
    with one_thread():
        return propose_of(task, modelled(task), count)


def propose_of(task: StudyTask, model: Modelled, count: int) -> SuggestResult:
    """`count` suggestions of the task's model, and the next warm start. Raises as `propose`."""
    pursuit = pursuit_of(task, model)
    found = Finder(task, model.region, pursuit).find(count)
    return SuggestResult(
        suggestions=tuple(_suggestion(task, one, index, model) for index, one in enumerate(found)),
        warm_start=warm_start.pack(pursuit.hyperparameters, task.problem),
    )


def _suggestion(task: StudyTask, found: Found, index: int, model: Modelled) -> Suggestion:
    encoding, goals = model.region.encoding, task.problem.goals
    parameters = encoding.decode(found.point)
    point = found.point
    if (fidelity := task.problem.space.fidelity) is not None and task.begin_at:  # the result will be one of there
        point = encoding.encode([{**parameters, fidelity.name: task.begin_at[index]}])[0]
    beliefs = {
        name: _belief(metric, moments)
        for name, metric, moments in zip(
            goals.metrics, model.metrics, model.surrogates.moments(point[None, :]), strict=True
        )
    }
    believed = [number for belief in beliefs.values() for number in (belief.mean, belief.standard_deviation)]
    if not np.isfinite([*believed, found.value]).all():
        raise ModelError(f"the model predicts {beliefs} with the acquisition value {found.value}")
    return Suggestion(
        parameters=parameters,
        origin=Origin.MODEL,
        prediction=Prediction(beliefs=beliefs, acquisition_value=found.value),
    )


def _belief(metric: ModelledMetric, moments: Moments) -> Belief:
    return Belief(
        mean=metric.targets.mean(float(moments.mean[0])),
        standard_deviation=metric.targets.standard_deviation(float(np.sqrt(max(moments.variance[0], 0.0)))),
    )
