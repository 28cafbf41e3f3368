"""Independent uniform draws, each in its parameter's own scale."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from asktell_server.domain.space import Configuration
from asktell_server.domain.trial import Origin
from asktell_server.engine.novelty import Novelty
from asktell_server.engine.problem import StudyTask, Suggestion, SuggestResult
from asktell_server.engine.seeding import generator, seed_of
from asktell_server.engine.space.region import Region


class RandomSampler:
    """Draws anew for every length of the history; new configurations where the space has some."""

    def needs_model(self, task: StudyTask, count: int) -> bool:
        """Never."""
        return False

    def suggest(self, task: StudyTask, count: int) -> SuggestResult:
        """`count` suggestions; fewer when the space is exhausted."""
        region = task.region
        draws = _draws(region, generator(task, "random"))
        chosen = Novelty(task, region).choices(draws, count=count, seed=seed_of(task))
        return SuggestResult(suggestions=tuple(Suggestion(parameters=one, origin=Origin.SAMPLER) for one in chosen))


def _draws(region: Region, rng: np.random.Generator) -> Iterator[Configuration]:
    while True:
        yield from map(region.encoding.decode, region.sample(rng.random((1, region.encoding.dimension))))
