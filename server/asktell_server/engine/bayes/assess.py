"""What a model makes of the results: which configuration is best when noise is taken off, and whether there is any."""

from __future__ import annotations

import math

import numpy as np

from asktell_server.domain.space import Key
from asktell_server.engine.bayes.modelled import modelled
from asktell_server.engine.bayes.noise import noise_evidence
from asktell_server.engine.bayes.threads import one_thread
from asktell_server.engine.bayes.training import ModelError
from asktell_server.engine.problem import Assessment, Outcome, SuggestTask

MIN_EVIDENCE = 3.0
"""Log likelihood ratio (nats) from which on results count as noisy: twenty to one. Exact smooth functions have 0.0."""
_CHUNK = 1000


def assess(task: SuggestTask) -> Assessment:
    """The observation with the best posterior mean; at least one must have a value.

    Results are noisy where standard errors have been told; where a configuration that was tried several times gave
    different values (and not where all such gave the same ones); otherwise where a model with noise explains them much
    better than one without.

    Raises:
        Exception: any: no task should, but matrices can.
    """
    with one_thread():
        model = modelled(task)
        rows = [row for row, valued in zip(model.targets.rows, model.targets.valued, strict=True) if valued]
        points = model.encoding.encode([task.observations[row].parameters for row in rows])
        parts = [model.surrogate.moments(points[start : start + _CHUNK]) for start in range(0, len(rows), _CHUNK)]
        means, variances = (np.concatenate(moments) for moments in zip(*parts, strict=True))
        best = int(np.argmin(means))
        mean = model.targets.mean(float(means[best]))
        deviation = model.targets.standard_deviation(math.sqrt(max(0.0, float(variances[best]))))
        if not (math.isfinite(mean) and math.isfinite(deviation)):
            raise ModelError(f"the model's best has mean {mean} and deviation {deviation}")
        told = True if _is_told(task) else _replicates_differ(task)
        evidence = noise_evidence(model.fitted_to, model.surrogate.hyperparameters) if told is None else 0.0
        return Assessment(
            best=rows[best],
            mean=mean,
            standard_deviation=deviation,
            noise=model.targets.standard_deviation(math.sqrt(model.surrogate.noise)),
            noisy=evidence >= MIN_EVIDENCE if told is None else told,
        )


def _is_told(task: SuggestTask) -> bool:
    return any(seen.standard_error for seen in task.observations if seen.outcome is Outcome.VALUE)


def _replicates_differ(task: SuggestTask) -> bool | None:
    """Whether a configuration has two values; None where none has been tried twice."""
    values: dict[Key, list[float | None]] = {}
    for seen in task.observations:
        if seen.outcome is Outcome.VALUE:
            values.setdefault(task.problem.space.key(seen.parameters), []).append(seen.value)
    replicates = [results for results in values.values() if len(results) > 1]
    return any(len(set(results)) > 1 for results in replicates) if replicates else None
