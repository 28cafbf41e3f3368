"""`study.plot`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from asktell._async.session import AsyncSession
from asktell._core import analysis
from asktell._core.plots import load_plotting, read_curves, read_trials
from asktell._core.study_view import StudyView, names_of
from asktell._core.trial_view import TrialView
from asktell.spaces import ParameterValue

if TYPE_CHECKING:
    import altair


class AsyncPlots:
    """`asktell.Plots` for asyncio: the same methods, to be awaited."""

    def __init__(self, session: AsyncSession, study: StudyView) -> None:
        """Use `AsyncStudy.plot`."""
        self._study = study
        self._caller = session.caller
        self._run = session.run

    async def history(
        self, *, metrics: Sequence[str] | None = None, width: int = 640, height: int = 300
    ) -> altair.VConcatChart:
        """As `Plots.history`."""
        draw = load_plotting("charts").history
        return draw(self._study, await self._trials(), metrics=metrics, width=width, height=height)

    async def parallel(
        self, *, metrics: Sequence[str] | None = None, width: int | None = None, height: int = 320
    ) -> altair.LayerChart:
        """As `Plots.parallel`."""
        draw = load_plotting("parallel").parallel
        return draw(self._study, await self._trials(), metrics=metrics, width=width, height=height)

    async def slices(
        self, *, metrics: Sequence[str] | None = None, width: int = 220, height: int = 180
    ) -> altair.VConcatChart:
        """As `Plots.slices`."""
        draw = load_plotting("charts").slices
        return draw(self._study, await self._trials(), metrics=metrics, width=width, height=height)

    async def curves(
        self, *, metrics: Sequence[str] | None = None, width: int = 640, height: int = 300
    ) -> altair.VConcatChart:
        """As `Plots.curves`."""
        draw = load_plotting("charts").curves
        found = await self._run(read_curves(self._caller, self._study.name, names_of(self._study.message)))
        return draw(self._study, found, metrics=metrics, width=width, height=height)

    async def importances(self, metric: str | None = None, *, width: int = 480) -> altair.LayerChart:
        """As `Plots.importances`."""
        draw = load_plotting("shares").importances
        return draw(self._study, await self._run(analysis.importances(self._caller, self._study, metric)), width=width)

    async def interactions(self, metric: str | None = None, *, width: int = 480) -> altair.LayerChart:
        """As `Plots.interactions`."""
        draw = load_plotting("shares").interactions
        return draw(self._study, await self._run(analysis.interactions(self._caller, self._study, metric)), width=width)

    async def slice(
        self,
        parameter: str,
        *,
        reference: Mapping[str, ParameterValue] | None = None,
        metric: str | None = None,
        width: int = 480,
        height: int = 260,
    ) -> altair.LayerChart:
        """As `Plots.slice`."""
        draw = load_plotting("belief").slice_along
        found = await self._run(analysis.slice_of(self._caller, self._study, (parameter,), reference, 50, metric))
        return draw(self._study, found, width=width, height=height)

    async def contour(
        self,
        first: str,
        second: str,
        *,
        reference: Mapping[str, ParameterValue] | None = None,
        metric: str | None = None,
        width: int = 320,
        height: int = 280,
    ) -> altair.VConcatChart:
        """As `Plots.contour`."""
        draw = load_plotting("belief").contour
        found = await self._run(analysis.slice_of(self._caller, self._study, (first, second), reference, None, metric))
        return draw(self._study, await self._trials(), found, width=width, height=height)

    async def _trials(self) -> list[TrialView]:
        return await self._run(read_trials(self._caller, self._study.name, names_of(self._study.message)))
