"""Which configurations of a space may be suggested: all that samplers, search and grid ask of it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from asktell_server.domain.space import ParameterValue, SearchSpace
from asktell_server.engine.space.box import Box
from asktell_server.engine.space.encoding import Encoding
from asktell_server.engine.space.lattice import Lattice
from asktell_server.engine.space.limits import Limits
from asktell_server.engine.space.polytope import Polytope
from asktell_server.engine.space.tree import Tree
from asktell_server.engine.space.warp import Points

_KNOWN = 100
"""Spaces whose regions are kept: to make the columns of a space takes ten times as long as to find them."""


class Region(Protocol):
    """The part of the unit cube that holds configurations.

    Whoever draws, steps or climbs through a space does so by these methods and never leaves the region. Constraints on
    parameters, or parameters that depend on others, are another implementation that `region_of` chooses: no sampler and
    no search changes for them.
    """

    @property
    def encoding(self) -> Encoding:
        """Configurations as points, and back."""
        ...

    @property
    def count(self) -> int | None:
        """How many configurations there are; None = infinitely many, or too many to be numbered."""
        ...

    @property
    def drops(self) -> bool:
        """Some rows of `sample` give no configuration."""
        ...

    @property
    def limits(self) -> Limits | None:
        """What bounds a climb besides the ends of the columns; None = nothing."""
        ...

    def centre(self) -> Points:
        """The middle (d): declared defaults, else the middle level, else the first category; as near to it as may be."""
        ...

    def contains(self, points: Points) -> npt.NDArray[np.bool_]:
        """Which of the points (n x d) are configurations of the region."""
        ...

    def sample(self, uniform: Points) -> Points:
        """Uniform numbers of [0, 1) (n x d) as configurations (at most n x d), every value in the share its scale gives it.

        Where a row of numbers leads outside of the region it gives none: so draws stay uniform within.
        """
        ...

    def repair(self, points: Points) -> Points:
        """The nearest configuration for each of the points (n x d) of the cube."""
        ...

    def neighbours(self, point: Points, columns: Sequence[int]) -> Points:
        """Configurations (n x d) that differ from a point (d) in one of the discrete `columns`, column by column."""
        ...

    def options(self, column: int) -> int:
        """How many neighbours a point has along a discrete column, about."""
        ...

    def everything(self) -> Points:
        """All configurations (count x d) of a region that can be counted, in the order of `lattice`."""
        ...

    def lattice(self) -> Lattice:
        """All configurations of a region that can be counted, numbered."""
        ...

    def grid(self, levels: Sequence[int]) -> Lattice:
        """The grid with these numbers of values along the parameters (d), equally spaced in their scales."""
        ...


@functools.lru_cache(maxsize=_KNOWN)
def region_of(space: SearchSpace, fixed: tuple[tuple[str, ParameterValue], ...] = ()) -> Region:
    """The region of a space: the whole of it, or what its conditions, its constraints and the fixed values (`fixed_values`) leave."""
    if space.parameter_constraints:
        _, rest = space.parts()
        whole = region_of(dataclasses.replace(space, parameter_constraints=()), fixed)
        beside = None
        if rest is not None:
            beside = region_of(rest, tuple((name, value) for name, value in fixed if name in rest.names))
        return Polytope(whole, space, dict(fixed), rest=beside)
    if space.forest is None:
        return Box(space, dict(fixed))
    return Tree(space, space.forest, dict(fixed))


def grid_of(space: SearchSpace, levels: Sequence[int]) -> Lattice:
    """The grid of a space (see `Region.grid`) for one look: it may have a million points, and is not kept."""
    return region_of.__wrapped__(space).grid(levels)
