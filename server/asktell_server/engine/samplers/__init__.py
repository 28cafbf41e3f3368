"""One file per sampler, and the registry."""

from __future__ import annotations

from collections.abc import Mapping

from asktell_server.domain.algorithm import Auto, Bayesian, Grid, Manual, Random, Sobol
from asktell_server.domain.trial import Origin
from asktell_server.engine.problem import Problem
from asktell_server.engine.samplers.bayesian import BayesianSampler
from asktell_server.engine.samplers.grid import GridSampler
from asktell_server.engine.samplers.levels import AtTarget, MultiFidelity
from asktell_server.engine.samplers.manual import ManualSampler
from asktell_server.engine.samplers.protocol import Sampler
from asktell_server.engine.samplers.random import RandomSampler
from asktell_server.engine.samplers.sobol import SobolSampler

SAMPLERS: Mapping[str, Sampler] = {
    Auto.kind: BayesianSampler(),
    Bayesian.kind: BayesianSampler(),
    Grid.kind: GridSampler(),
    Manual.kind: ManualSampler(),
    Random.kind: RandomSampler(),
    Sobol.kind: SobolSampler(),
}
"""The sampler of each kind of algorithm. None of these modules imports torch; the model is imported when used."""


_FILLING = SobolSampler(Origin.FALLBACK)


def sampler_for(problem: Problem) -> Sampler:
    """The sampler of the problem's algorithm, for spaces with a fidelity within one that assigns it."""
    return _assigning(problem, SAMPLERS[problem.algorithm.kind])


def filling_for(problem: Problem) -> Sampler:
    """Fills the space where the sampler has failed."""
    return _assigning(problem, _FILLING)


def _assigning(problem: Problem, sampler: Sampler) -> Sampler:
    if problem.space.fidelity is None or not problem.algorithm.suggests:
        return sampler
    return MultiFidelity(sampler) if problem.algorithm.uses_model else AtTarget(sampler)
