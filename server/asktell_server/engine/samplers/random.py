"""Independent uniform draws, each in its parameter's own scale."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from asktell_server.domain.space import Configuration
from asktell_server.domain.trial import Origin
from asktell_server.engine.encoding import Encoding
from asktell_server.engine.novelty import Novelty
from asktell_server.engine.problem import Suggestion, SuggestResult, SuggestTask
from asktell_server.engine.seeding import generator


class RandomSampler:
    """Draws anew for every length of the history; new configurations where the space has some."""

    def needs_model(self, task: SuggestTask) -> bool:
        """Never."""
        return False

    def suggest(self, task: SuggestTask) -> SuggestResult:
        """`task.count` suggestions; fewer when the space is exhausted."""
        encoding = Encoding(task.problem.space)
        draws = _draws(encoding, generator(task, "random"))
        seed = (task.seed, len(task.observations), len(task.pending))
        chosen = Novelty(task, encoding).choices(draws, count=task.count, seed=seed)
        return SuggestResult(suggestions=tuple(Suggestion(parameters=one, origin=Origin.SAMPLER) for one in chosen))


def _draws(encoding: Encoding, rng: np.random.Generator) -> Iterator[Configuration]:
    while True:
        yield encoding.decode(encoding.spread(rng.random((1, encoding.dimension)))[0])
