"""What the model of a study can be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import overload

from asktell._async.session import AsyncSession
from asktell._core import analysis
from asktell._core.study_actions import Params, StudyActions
from asktell.analysis import CrossValidation, Health, Importances, Interactions, Slice, TradeOff
from asktell.records import Prediction
from asktell.spaces import ParameterValue
from asktell.v1 import study_pb2


class AsyncAnalysedStudy(StudyActions):
    """`AnalysedStudy` for asyncio: the same methods, to be awaited."""

    def __init__(self, session: AsyncSession, message: study_pb2.Study) -> None:
        super().__init__(session.caller, message)
        self._session = session
        self._run = session.run

    async def importances(self, metric: str | None = None) -> Importances:
        """As `Study.importances`."""
        return await self._run(analysis.importances(self._caller, self, metric))

    async def interactions(self, metric: str | None = None) -> Interactions:
        """As `Study.interactions`."""
        return await self._run(analysis.interactions(self._caller, self, metric))

    @overload
    async def predict(self, params: Params, *, metric: str | None = None) -> Prediction: ...
    @overload
    async def predict(self, params: Iterable[Params], *, metric: str | None = None) -> list[Prediction]: ...
    async def predict(
        self, params: Params | Iterable[Params], *, metric: str | None = None
    ) -> Prediction | list[Prediction]:
        """As `Study.predict`."""
        several = [params] if isinstance(params, Mapping) else params
        found = await self._run(analysis.predict(self._caller, self, several, metric))
        return found[0] if isinstance(params, Mapping) else found

    async def slice(
        self,
        *parameters: str,
        reference: Mapping[str, ParameterValue] | None = None,
        resolution: int | None = None,
        metric: str | None = None,
    ) -> Slice:
        """As `Study.slice`."""
        return await self._run(analysis.slice_of(self._caller, self, parameters, reference, resolution, metric))

    async def cross_validate(self, metric: str | None = None) -> CrossValidation:
        """As `Study.cross_validate`."""
        return await self._run(analysis.cross_validate(self._caller, self, metric))

    async def trade_offs(self) -> list[TradeOff]:
        """As `Study.trade_offs`."""
        return await self._run(analysis.trade_offs(self._caller, self))

    async def health(self) -> Health:
        """As `Study.health`."""
        return await self._run(analysis.health(self._caller, self))
