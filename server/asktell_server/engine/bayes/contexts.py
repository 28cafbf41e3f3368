"""Results by context: whose results a suggestion is measured against, and how far contexts lie apart.

All results teach the model, by its kernel. What counts as an improvement is another matter: on another data set the losses are
others, so the best one of all would be out of reach, or not worth a thing. And where two contexts differ by little more than a
constant, that constant must not look like a difference between the configurations.

Categories and bools are contexts that stand apart. Numbers are places along a scale, for which the kernel alone is good enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

from asktell_server.domain.fixing import context_of
from asktell_server.domain.space import BoolDomain, CategoricalDomain, SearchSpace
from asktell_server.engine.bayes.kernel import Kernel
from asktell_server.engine.bayes.layout import Layout
from asktell_server.engine.history import History
from asktell_server.engine.problem import StudyTask
from asktell_server.engine.space.region import region_of

Vector = npt.NDArray[np.float64]
Groups = npt.NDArray[np.int64]

_MOST = 300
"""Observations that levels are worked out from."""
_LEVEL_VARIANCE = 4.0
"""Of a context's level, as a multiple of the variance within contexts."""
_NOISE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """How far the costs of contexts lie above what they have in common.

    Attributes:
        of: that of each observation (n).
        here: that of the context which is asked for; the mean of the others where it has no results.
    """

    of: Vector
    here: float


def context_groups(history: History) -> Groups:
    """The context of each observation (n), by a number from 0; all 0 where no context stands apart."""
    places = [
        place
        for place in _places(history.space)
        if isinstance(history.space.parameters[place].domain, CategoricalDomain | BoolDomain)
    ]
    if not places:
        return np.zeros(len(history), dtype=np.int64)
    numbers: dict[tuple[object, ...], int] = {}
    return np.array(
        [numbers.setdefault(tuple(key[place] for place in places), len(numbers)) for key in history.keys],
        dtype=np.int64,
    )


def same_context(task: StudyTask) -> npt.NDArray[np.bool_]:
    """Which observations (n) are of the very context that the task asks for; all where it asks for none."""
    history = task.history
    here = context_of(history.space, task.fixed)
    if not here:
        return np.ones(len(history), dtype=bool)
    expected = [(place, here.get(history.space.names[place])) for place in _places(history.space)]
    return np.array([all(key[place] == value for place, value in expected) for key in history.keys], dtype=bool)


def at_fidelity(task: StudyTask) -> npt.NDArray[np.bool_]:
    """Which observations (n) have the fidelity that the task asks for; all where it asks for none."""
    history = task.history
    parameter = history.space.fidelity
    if parameter is None or parameter.name not in task.fixed:
        return np.ones(len(history), dtype=bool)
    return history.having(parameter.name, task.fixed[parameter.name])


def levels_of(task: StudyTask, rows: npt.NDArray[np.int64], costs: Vector) -> Levels | None:
    """The levels of contexts, from the costs (m) of the observations at `rows` (m); None where all are one.

    Costs are a Gaussian process of what is no context, plus a random effect of each context; the levels are the effects' best
    linear unbiased predictors (Robinson 1991, "That BLUP is a good thing"). So a context whose first result is as good as others
    would be, but for a constant, has that constant as its level at once.
    """
    groups = context_groups(task.history)
    if not context_of(task.history.space, task.fixed) or not groups.any():
        return None
    known = np.unique(groups[rows])
    sample = np.concatenate([_some(np.flatnonzero(groups[rows] == group), _MOST // len(known)) for group in known])
    fidelity = task.problem.space.fidelity
    fixed = tuple((name, value) for name, value in task.fixed.items() if fidelity is None or name != fidelity.name)
    region = region_of(task.problem.space, fixed)
    encoding = region.encoding
    layout = Layout.of(encoding)
    # Moved to where the fixed values are, observations of different contexts differ by what is no context. A fidelity stays: where
    # few epochs do worse than many, that is no level of a context.
    points = region.repair(encoding.encode_keys([task.history.keys[row] for row in rows[sample]]))
    kernel = Kernel(layout, np.array([prior.mode for prior in layout.priors]), points)
    within = kernel.covariance(points) + np.diag(np.full(len(points), _NOISE * kernel.variance))
    effects = (groups[rows[sample]][:, None] == known).astype(np.float64)
    covariance = within + _LEVEL_VARIANCE * kernel.variance * effects @ effects.T
    weights = linalg.solve(covariance, np.stack([costs[sample], np.ones(len(sample))], axis=1), assume_a="pos")
    mean = weights[:, 0].sum() / weights[:, 1].sum()
    level = _LEVEL_VARIANCE * kernel.variance * effects.T @ (weights[:, 0] - mean * weights[:, 1])
    by_group = np.full(int(groups.max()) + 1, level.mean())
    by_group[known] = level
    here = np.flatnonzero(same_context(task))
    return Levels(of=by_group[groups], here=float(by_group[groups[here[0]]] if len(here) else level.mean()))


def _some(places: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    """At most `most` of the places, at least one, from all over them."""
    count = max(1, min(most, len(places)))
    some: npt.NDArray[np.int64] = places[np.linspace(0, len(places) - 1, count).round().astype(np.int64)]
    return some


def _places(space: SearchSpace) -> Sequence[int]:
    return [place for place, parameter in enumerate(space.parameters) if parameter.context]
