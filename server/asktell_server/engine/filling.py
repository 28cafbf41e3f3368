"""Space-filling configurations: the start of a Bayesian study, the Sobol sampler and the last resort."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from scipy.stats import qmc

from asktell_server.domain.space import Configuration
from asktell_server.domain.trial import Origin
from asktell_server.engine.novelty import Novelty
from asktell_server.engine.problem import StudyTask, Suggestion
from asktell_server.engine.seeding import study_generator
from asktell_server.engine.space.region import Region
from asktell_server.engine.space.warp import Points

FAVOURED_SHARE = 0.25
"""Of a start: trials that follow the priors, besides the centre, which is what these hold for best (measured; see
docs/engine.md)."""
_BLOCK = 16
_LONG_BLOCK = 512


def sobol_blocks(dimension: int, rng: np.random.Generator, *, size: int, first: int = 0) -> Iterator[Points]:
    """A scrambled Sobol sequence in [0, 1) in blocks (size x d), from block number `first` on, without end (Owen 1998).

    `size` is a power of two, as the sequence's balance asks for.
    """
    sequence = qmc.Sobol(dimension, scramble=True, rng=rng)
    if first:
        sequence.fast_forward(first * size)
    while True:
        yield np.minimum(sequence.random(size), 1.0 - 2.0**-53)


def fill(task: StudyTask, count: int, *, origin: Origin, with_centre: bool = False) -> tuple[Suggestion, ...]:
    """`count` configurations that are new where the space has new ones; fewer when it is exhausted.

    They continue one Sobol sequence per study: the sequence starts at the number of trials that there are. With
    `with_centre`, which is the start of a study, the centre of the space comes before the sequence, and the first points follow
    the priors of the space: a quarter as many as the algorithm's start has. The others insure against priors that are wrong.
    """
    region = task.region
    novelty = Novelty(task, region)
    known = len(task.history) + len(task.pending)
    centre = region.encoding.decode(region.centre()) if with_centre else None
    first = [] if centre is None or centre in novelty else [centre]
    # Where the centre is among the trials, there is one point of the sequence less among them.
    start = known if centre is None or first else known - 1
    favoured = int(FAVOURED_SHARE * task.problem.algorithm.start_trials) if with_centre else 0
    candidates = itertools.chain(first, _configurations(task, region, start=start, favoured=favoured))
    chosen = novelty.choices(candidates, count=count, seed=(task.seed, known))
    return tuple(Suggestion(parameters=configuration, origin=origin) for configuration in chosen)


def _configurations(task: StudyTask, region: Region, *, start: int, favoured: int) -> Iterator[Configuration]:
    """The configurations of the sequence from number `start` on; those before number `favoured` follow the priors."""
    rng = study_generator(task, "sobol")
    encoding = region.encoding
    if region.drops:  # how many points of the sequence came before is not known from how many configurations did
        kept = _kept(region, sobol_blocks(encoding.dimension, rng, size=_LONG_BLOCK), favoured=favoured)
        yield from map(encoding.decode, itertools.islice(kept, start, None))
        return
    block, passed = divmod(start, _BLOCK)
    number = itertools.count(start)
    for points in sobol_blocks(encoding.dimension, rng, size=_BLOCK, first=block):
        for point in points[passed:, None]:
            uniform = encoding.favouring(point) if next(number) < favoured else point
            yield from map(encoding.decode, region.sample(uniform))
        passed = 0


def _kept(region: Region, blocks: Iterator[Points], *, favoured: int) -> Iterator[Points]:
    """The points (d) of a sequence that lead to configurations; the first `favoured` of them follow the priors.

    Fewer do where priors lie outside what the constraints allow: a whole block in vain is enough.
    """
    left = favoured
    for block in blocks:
        rest, before = block, left
        while left and len(rest):
            points = region.sample(region.encoding.favouring(rest[:1]))
            rest = rest[1:]
            left -= len(points)
            yield from points
        if left == before:
            left = 0
        if len(rest):
            yield from region.sample(rest)
