"""What the model of a study can be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import overload

from asktell._core import analysis
from asktell._core.study_actions import Params, StudyActions
from asktell._sync.session import Session
from asktell.analysis import CrossValidation, Health, Importances, Interactions, Slice, TradeOff
from asktell.records import Prediction
from asktell.spaces import ParameterValue
from asktell.v1 import study_pb2


class AnalysedStudy(StudyActions):
    """A study whose model can be asked. The server keeps each answer until a result is added.

    `metric`: an objective or constrained metric; None = the first objective. All but `health` and `trade_offs` raise TooFewResults
    while the study has too few results for a model. A server that has no analysis answers NotSupported.
    """

    def __init__(self, session: Session, message: study_pb2.Study) -> None:
        super().__init__(session.caller, message)
        self._session = session
        self._run = session.run

    def importances(self, metric: str | None = None) -> Importances:
        """How much of a metric's variation over the space each parameter explains, alone and with all others (Sobol indices).

        `study.importances()["lr"].total_share`; the largest first.

        Raises:
            TooFewResults. InvalidArgument: the metric is neither an objective nor constrained.
        """
        return self._run(analysis.importances(self._caller, self, metric))

    def interactions(self, metric: str | None = None) -> Interactions:
        """How much each pair of parameters explains beyond what the two explain alone, the largest first. Raises as `importances`."""
        return self._run(analysis.interactions(self._caller, self, metric))

    @overload
    def predict(self, params: Params, *, metric: str | None = None) -> Prediction: ...
    @overload
    def predict(self, params: Iterable[Params], *, metric: str | None = None) -> list[Prediction]: ...
    def predict(self, params: Params | Iterable[Params], *, metric: str | None = None) -> Prediction | list[Prediction]:
        """What the model believes of configurations, tried or not: of one, or of a list of 1 to 1,000.

        `study.predict({**study.best_params, "rank": 8}).mean` answers a what-if. The mean and its standard deviation are those of
        `metric`; `beliefs` has all objectives and constrained metrics. `acquisition_value` is 0: nobody chose these.

        Raises:
            TooFewResults. ValueOutsideSpace: a value that its domain does not have, or a parameter without one.
        """
        several = [params] if isinstance(params, Mapping) else params
        found = self._run(analysis.predict(self._caller, self, several, metric))
        return found[0] if isinstance(params, Mapping) else found

    def slice(
        self,
        *parameters: str,
        reference: Mapping[str, ParameterValue] | None = None,
        resolution: int | None = None,
        metric: str | None = None,
    ) -> Slice:
        """What the model believes along one or two parameters, the others fixed.

        Args:
            parameters: one or two names.
            reference: values of the others; those left out have the best trial's.
            resolution: points along each parameter, 2 to 200; None = 25. A parameter with fewer values has all of them.
            metric: an objective or constrained metric; None = the first objective.

        Raises:
            TooFewResults. InvalidArgument: no such parameter, or not one or two; a resolution outside its bounds.
        """
        return self._run(analysis.slice_of(self._caller, self, parameters, reference, resolution, metric))

    def cross_validate(self, metric: str | None = None) -> CrossValidation:
        """How well the model foretells each result from all others: whether to believe the rest. Raises as `importances`."""
        return self._run(analysis.cross_validate(self._caller, self, metric))

    def trade_offs(self) -> list[TradeOff]:
        """The Pareto front by the first objective, best first, and what one objective costs in terms of another along it.

        Raises:
            FailedPrecondition: the study has one objective. TooFewResults: no trial is on the front.
        """
        return self._run(analysis.trade_offs(self._caller, self))

    def health(self) -> Health:
        """What is wrong with the study or could be better, and what further trials are expected to gain."""
        return self._run(analysis.health(self._caller, self))
