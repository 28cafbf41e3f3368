"""Suggestions by what earlier results say, as long as they foretell the study's own results.

One Gaussian process is fitted to the earlier results and the study's own together, the study being one more categorical column:
a model of several tasks (Bonilla et al. 2008) whose correlation is that of the categories' kernel. Levels of studies are taken
off as those of contexts are. From the third own result on, the earlier results have to earn their say: each own result is foretold
from all others, once with the earlier results and once without them, and where that is no more likely with them, the study goes
on as if it had none.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from asktell_server.engine.bayes.fitted import fitted
from asktell_server.engine.bayes.modelled import Modelled, modelled
from asktell_server.engine.bayes.propose import propose_of
from asktell_server.engine.bayes.threads import one_thread
from asktell_server.engine.earlier import with_earlier, without_mark
from asktell_server.engine.observations import Outcome
from asktell_server.engine.problem import StudyTask, SuggestResult

LEAST_OWN = 3
"""Own results with a value from which on earlier ones have to earn their say."""
MOST_OWN = 15
"""Own results with a value from which on earlier ones are left out: with more, they kept some studies in what was best then and is not
now (measured; see docs/parents.md)."""


def propose_informed(task: StudyTask, count: int) -> SuggestResult | None:
    """`count` suggestions for a task with earlier results; None where these have no say (any more).

    Raises:
        Exception: any: no task should, but matrices can.
    """
    own = task.history.count(Outcome.VALUE)
    if own >= MOST_OWN:
        return None
    both = with_earlier(task)
    with one_thread():
        model = modelled(both)
        if own >= LEAST_OWN and not _foretells(model, task, first=len(both.history) - len(task.history)):
            return None
        result = propose_of(both, model, count)
    return dataclasses.replace(
        result,
        informed=True,
        suggestions=tuple(map(without_mark, result.suggestions)),
        # The last column is that of the study.
        fits=tuple(
            dataclasses.replace(fit, length_scales=fit.length_scales[:-1])
            for fit in fitted(result.warm_start, both.problem)
        ),
    )


def _foretells(model: Modelled, task: StudyTask, *, first: int) -> bool:
    """Whether a model of earlier results and the task's own, which begin with row `first`, foretells the latter the better."""
    alone = modelled(dataclasses.replace(task, earlier=(), warm_start=b""))
    return _foretold(model, first) >= _foretold(alone, 0)


def _foretold(model: Modelled, first: int) -> float:
    """The log density of the values from row `first` on, each of them foretold from all others (Sundararajan & Keerthi 2001)."""
    total = 0.0
    for metric in model.metrics:
        process, targets = metric.process, metric.targets
        own = (targets.rows >= first) & targets.valued
        precision = np.diagonal(process.inverse)[own]
        residual = process.alpha[own] / precision
        log_density = 0.5 * (np.log(precision / (2.0 * np.pi)) - residual**2 * precision)
        total += float(log_density.sum()) - int(own.sum()) * float(np.log(targets.width))
    return total
