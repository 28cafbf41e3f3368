"""What the model believes of configurations that have been tried, had they the values that a task fixes."""

from __future__ import annotations

import numpy as np

from asktell_server.engine.bayes import warm_start
from asktell_server.engine.bayes.kernel import Matrix
from asktell_server.engine.bayes.modelled import modelled
from asktell_server.engine.bayes.threads import one_thread
from asktell_server.engine.bayes.training import ModelError
from asktell_server.engine.problem import StudyTask

_CHUNK = 1000


def moved_values(task: StudyTask) -> tuple[Matrix, bytes]:
    """Means (n x metrics), in the metrics' units, of the observations' configurations moved to the fixed values, and the warm start.

    Raises:
        ModelError: the model gives no usable numbers.
    """
    with one_thread():
        model = modelled(task)
        points = model.region.repair(model.region.encoding.encode_keys(task.history.keys))
        columns = []
        for metric in model.metrics:
            means = [metric.process.moments(points[at : at + _CHUNK]).mean for at in range(0, len(points), _CHUNK)]
            columns.append([metric.targets.mean(mean) for mean in np.concatenate(means).tolist()])
        values = np.array(columns).T
        if not np.isfinite(values).all():
            raise ModelError("the model predicts numbers that are not finite")
        vectors = [metric.process.hyperparameters for metric in model.metrics]
        return values, warm_start.pack(vectors, task.problem)
