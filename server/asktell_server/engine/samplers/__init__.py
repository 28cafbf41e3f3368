"""One file per sampler, and the registry."""

from __future__ import annotations

from collections.abc import Mapping

from asktell_server.domain.algorithm import Auto, Bayesian, Grid, Manual, Random, Sobol
from asktell_server.engine.problem import Problem
from asktell_server.engine.samplers.bayesian import BayesianSampler
from asktell_server.engine.samplers.grid import GridSampler
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


def sampler_for(problem: Problem) -> Sampler:
    """The sampler of the problem's algorithm."""
    return SAMPLERS[problem.algorithm.kind]
