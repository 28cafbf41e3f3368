"""`study.plot`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from asktell._async.session import AsyncSession
from asktell._core.plots import load_plotting, read_curves, read_trials
from asktell._core.study_view import StudyView, names_of
from asktell._core.trial_view import TrialView

if TYPE_CHECKING:
    import altair


class AsyncPlots:
    """`asktell.Plots` for asyncio: the same methods, to be awaited."""

    def __init__(self, session: AsyncSession, study: StudyView) -> None:
        """Use `AsyncStudy.plot`."""
        self._session = session
        self._study = study

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
        found = await self._session.run(
            read_curves(self._session.caller, self._study.name, names_of(self._study.message))
        )
        return draw(self._study, found, metrics=metrics, width=width, height=height)

    async def _trials(self) -> list[TrialView]:
        return await self._session.run(
            read_trials(self._session.caller, self._study.name, names_of(self._study.message))
        )
