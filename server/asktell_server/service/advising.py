"""The warnings about a study that is being created: also those that take a look at many configurations."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from asktell_server.domain.advice import warnings
from asktell_server.domain.study import Study
from asktell_server.domain.warning import StudyWarning, WarningKind
from asktell_server.engine.space.region import grid_of


async def advice(study: Study) -> Sequence[StudyWarning]:
    """The warnings about its specification, and one for a grid of which no point keeps the constraints on parameters."""
    counts = study.algorithm.grid_axes(study.space)
    if counts is None or not study.space.parameter_constraints:
        return warnings(study)
    if await asyncio.to_thread(lambda: grid_of(study.space, counts).size):  # up to a million points
        return warnings(study)
    kept = " and ".join(map(str, study.space.parameter_constraints))
    nothing = StudyWarning(
        kind=WarningKind.COARSE_GRID,
        field=f"algorithm.{study.algorithm.kind}",
        message=f"no point of the grid keeps {kept}, so the study has nothing to try; give it more levels, or use random or "
        "Bayesian search",
    )
    return (*warnings(study), nothing)
