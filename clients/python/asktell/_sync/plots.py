"""`study.plot`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from asktell._core import analysis
from asktell._core.plots import load_plotting, read_curves, read_trials
from asktell._core.study_view import StudyView, names_of
from asktell._core.trial_view import TrialView
from asktell._sync.session import Session
from asktell.spaces import ParameterValue

if TYPE_CHECKING:
    import altair


class Plots:
    """Plots of a study as Altair charts: a notebook shows them, `chart.save("history.png")` writes them.

    All need the extra `asktell[plot]`, and raise ModuleNotFoundError without it. `metrics`: which ones to plot; None = the
    objectives. Sizes are in pixels. ValueError: the study has no such metric.
    """

    def __init__(self, session: Session, study: StudyView) -> None:
        """Use `Study.plot`."""
        self._study = study
        self._caller = session.caller
        self._run = session.run

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
        found = self._run(read_curves(self._caller, self._study.name, names_of(self._study.message)))
        return draw(self._study, found, metrics=metrics, width=width, height=height)

    def importances(self, metric: str | None = None, *, width: int = 480) -> altair.LayerChart:
        """How much of a metric's variation each parameter explains, alone and with all others. Raises as `Study.importances`."""
        draw = load_plotting("shares").importances
        return draw(self._study, self._run(analysis.importances(self._caller, self._study, metric)), width=width)

    def interactions(self, metric: str | None = None, *, width: int = 480) -> altair.LayerChart:
        """How much the ten strongest pairs of parameters explain together. Raises as `Study.interactions`."""
        draw = load_plotting("shares").interactions
        return draw(self._study, self._run(analysis.interactions(self._caller, self._study, metric)), width=width)

    def slice(
        self,
        parameter: str,
        *,
        reference: Mapping[str, ParameterValue] | None = None,
        metric: str | None = None,
        width: int = 480,
        height: int = 260,
    ) -> altair.LayerChart:
        """What the model believes along one parameter, in the shade 95 % of its uncertainty. Raises as `Study.slice`."""
        draw = load_plotting("belief").slice_along
        found = self._run(analysis.slice_of(self._caller, self._study, (parameter,), reference, 50, metric))
        return draw(self._study, found, width=width, height=height)

    def contour(
        self,
        first: str,
        second: str,
        *,
        reference: Mapping[str, ParameterValue] | None = None,
        metric: str | None = None,
        width: int = 320,
        height: int = 280,
    ) -> altair.VConcatChart:
        """What the model believes over two parameters, beside it how uncertain it is, with the trials. Raises as `Study.slice`."""
        draw = load_plotting("belief").contour
        found = self._run(analysis.slice_of(self._caller, self._study, (first, second), reference, None, metric))
        return draw(self._study, self._trials(), found, width=width, height=height)

    def _trials(self) -> list[TrialView]:
        return self._run(read_trials(self._caller, self._study.name, names_of(self._study.message)))
