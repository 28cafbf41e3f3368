"""`study.plot`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from asktell._core.plots import load_plotting, read_curves, read_trials
from asktell._core.study_view import StudyView, names_of
from asktell._core.trial_view import TrialView
from asktell._sync.session import Session

if TYPE_CHECKING:
    import altair


class Plots:
    """Plots of a study as Altair charts: a notebook shows them, `chart.save("history.png")` writes them.

    All need the extra `asktell[plot]`, and raise ModuleNotFoundError without it. `metrics`: which ones to plot; None = the
    objectives. Sizes are in pixels. ValueError: the study has no such metric.
    """

    def __init__(self, session: Session, study: StudyView) -> None:
        """Use `Study.plot`."""
        self._session = session
        self._study = study

    def history(
        self, *, metrics: Sequence[str] | None = None, width: int = 640, height: int = 300
    ) -> altair.VConcatChart:
        """Each trial's value by its number, the best value so far as a line, failed trials marked above the plot."""
        draw = load_plotting("charts").history
        return draw(self._study, self._trials(), metrics=metrics, width=width, height=height)

    def parallel(
        self, *, metrics: Sequence[str] | None = None, width: int | None = None, height: int = 320
    ) -> altair.LayerChart:
        """Parallel coordinates: a line for each trial across its parameters and metrics, in the colour of its value."""
        draw = load_plotting("parallel").parallel
        return draw(self._study, self._trials(), metrics=metrics, width=width, height=height)

    def slices(
        self, *, metrics: Sequence[str] | None = None, width: int = 220, height: int = 180
    ) -> altair.VConcatChart:
        """The values over each parameter: later trials are darker, the best one is ringed, failed ones stand above."""
        draw = load_plotting("charts").slices
        return draw(self._study, self._trials(), metrics=metrics, width=width, height=height)

    def curves(
        self, *, metrics: Sequence[str] | None = None, width: int = 640, height: int = 300
    ) -> altair.VConcatChart:
        """What each trial reported by step; the best trial is drawn thicker. Asks the server for each trial's reports."""
        draw = load_plotting("charts").curves
        found = self._session.run(read_curves(self._session.caller, self._study.name, names_of(self._study.message)))
        return draw(self._study, found, metrics=metrics, width=width, height=height)

    def _trials(self) -> list[TrialView]:
        return self._session.run(read_trials(self._session.caller, self._study.name, names_of(self._study.message)))
