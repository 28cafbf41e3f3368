"""What further trials are expected to gain: the search played out on functions that the model holds possible.

A function is drawn from the posterior at many candidates. On each draw the loop goes on as it would in the study: the candidate
with the highest expected improvement is tried, its value is told, the belief is updated, and so on. What is gained is how much
better the draw is at the configuration that one would use then than at the one that one would use now. The average over the draws is
the value of further trials under the model (a rollout: Lam et al. 2016); it counts what the search will find, where the expected
improvement of the next trial alone is blind beyond it and the regret that is left (Makarova et al. 2022) takes a search without end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg
from scipy.special import log_ndtr

from asktell_server.engine.bayes.expected_improvement import deviations, log_h
from asktell_server.engine.bayes.feasibility import Limit
from asktell_server.engine.bayes.kernel import Matrix
from asktell_server.engine.bayes.surrogates import Surrogate, Vector
from asktell_server.engine.space.warp import Points

_JITTER = 1e-9
_LEAST_SPAN = 1e-12

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Where trials may be.

    Attributes:
        points: the candidates (c x d).
        tried_count: how many of the first have been tried: one of these would be used now. The others are free to be tried.
    """

    points: Points
    tried_count: int


class _Drawn:
    """One metric: functions drawn from the model (s x c), and what is believed of each as its values become known."""

    def __init__(self, surrogate: Surrogate, points: Points, draws: int, steps: int, rng: np.random.Generator) -> None:
        mean, covariance = surrogate.covariance(points)
        covariance = (covariance + covariance.T) / 2.0
        spectrum, directions = linalg.eigh(covariance + _JITTER * np.eye(len(points)), driver="evd")
        root: Matrix = directions * np.sqrt(np.maximum(spectrum, 0.0))
        self.functions: Matrix = mean + rng.standard_normal((draws, len(points))) @ root.T
        self.means: Matrix = np.repeat(mean[None, :], draws, axis=0)
        self.variances: Matrix = np.repeat(np.maximum(np.diagonal(covariance), 0.0)[None, :], draws, axis=0)
        self._covariance = covariance
        self._noise = surrogate.noise
        self._errors: Matrix = np.sqrt(self._noise) * rng.standard_normal((draws, steps))
        self._pulls = np.empty((draws, steps, len(points)))
        """What each trial so far has taken off the covariance, as columns of its square root."""
        self._every = np.arange(draws)

    def tell(self, step: int, chosen: Places) -> Vector:
        """A trial of each draw (s) at the candidates (s) is over; returns what it has measured (s)."""
        every = self._every
        told: Vector = self.functions[every, chosen] + self._errors[:, step]
        before = self._pulls[:, :step]
        span = np.sqrt(np.maximum(self.variances[every, chosen] + self._noise, _LEAST_SPAN))
        pull: Matrix = self._covariance[chosen] - np.matmul(before[every, :, chosen][:, None, :], before)[:, 0]
        pull /= span[:, None]
        self.means += pull * ((told - self.means[every, chosen]) / span)[:, None]
        self.variances = np.maximum(self.variances - pull**2, 0.0)
        self._pulls[:, step] = pull
        return told


def gains(
    surrogates: Sequence[Surrogate],
    limits: Sequence[Limit],
    candidates: Candidates,
    *,
    best: float,
    horizons: Sequence[int],
    draws: int,
    rng: np.random.Generator,
) -> Sequence[float]:
    """Expected gains (standardised, at least 0) after each number of trials of `horizons`, rising.

    The first surrogate is that of the objective, whose lowest observed cost is `best`; `limits` are on any of them.
    """
    steps = min(horizons[-1], len(candidates.points) - candidates.tried_count)
    drawn = [_Drawn(surrogate, candidates.points, draws, steps, rng) for surrogate in surrogates]
    every = np.arange(draws)
    known = np.repeat(np.arange(len(candidates.points))[None, :] < candidates.tried_count, draws, axis=0)
    lowest = np.full(draws, best)
    start = _used(drawn, limits, known)
    after: list[float] = []
    for step in range(steps):
        chosen = np.argmax(np.where(known, -np.inf, _scores(drawn, limits, lowest)), axis=1)
        told = [metric.tell(step, chosen) for metric in drawn]
        kept = np.logical_and.reduce([limit.margin(told[limit.place]) >= 0 for limit in limits], initial=True)
        lowest = np.where(kept, np.minimum(lowest, told[0]), lowest)
        known[every, chosen] = True
        if step + 1 in horizons or step + 1 == steps:  # a finite space may end before the last of them
            used = _used(drawn, limits, known)
            functions = drawn[0].functions
            after.append(max(0.0, float(np.mean(functions[every, start] - functions[every, used]))))
    last = after[-1] if after else 0.0
    return [*after, *[last] * len(horizons)][: len(horizons)]


def _scores(drawn: Sequence[_Drawn], limits: Sequence[Limit], lowest: Vector) -> Matrix:
    """Log expected improvement (s x c), times the probability that the limits are kept."""
    objective = drawn[0]
    deviation = deviations(objective.variances)
    scores: Matrix = log_h((lowest[:, None] - objective.means) / deviation) + np.log(deviation)
    for limit in limits:
        metric = drawn[limit.place]
        scores = scores + log_ndtr(limit.margin(metric.means) / deviations(metric.variances))
    return scores


def _used(drawn: Sequence[_Drawn], limits: Sequence[Limit], known: npt.NDArray[np.bool_]) -> Places:
    """Which candidate one would use on each draw (s): of those that have been tried the best mean, where the means keep the limits."""
    kept = np.logical_and.reduce([limit.margin(drawn[limit.place].means) >= 0 for limit in limits], initial=True)
    allowed = known & kept
    allowed = np.where(allowed.any(axis=1, keepdims=True), allowed, known)
    used: Places = np.argmin(np.where(allowed, drawn[0].means, np.inf), axis=1)
    return used
