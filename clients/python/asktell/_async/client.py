"""The client: studies by name, and the stateless door."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self, Unpack

from asktell._async.session import AsyncSession
from asktell._async.study import AsyncStudy
from asktell._core import methods
from asktell._core.settings import ClientOptions, make_settings
from asktell._core.studies import create_from_file, create_study, list_studies
from asktell._core.study_requests import create_request, file_request, full_study_name
from asktell._core.study_view import StudyView
from asktell._core.suggest import suggest
from asktell.records import Observation, Suggestions
from asktell.spaces import ParameterValue, Space
from asktell.spec import Algorithm, Objective, OutcomeConstraint
from asktell.study_spec import StudyOptions
from asktell.v1 import study_service_pb2


class AsyncClient:
    """`asktell.Client` for asyncio: the same methods, to be awaited. Belongs to one event loop; close it there."""

    def __init__(self, address: str | None = None, **options: Unpack[ClientOptions]) -> None:
        """Opens no connection yet: the first call does, and waits for the server for as long as its deadline.

        `address`: `host:port`, or several with commas between; default ASKTELL_ADDRESS, then localhost:50051. The
        options are those of `ClientOptions`.
        """
        self._session = AsyncSession(make_settings(address, **options))

    async def create_study(
        self, study_id: str, *, exist_ok: bool = False, **options: Unpack[StudyOptions]
    ) -> AsyncStudy:
        """As `Client.create_study`."""
        request = create_request(self._session.caller.settings.project, study_id, options, exist_ok=exist_ok)
        return AsyncStudy(self._session, await self._session.run(create_study(self._session.caller, request)))

    async def create_study_from_file(
        self, path: str | os.PathLike[str], *, study_id: str = "", exist_ok: bool = False
    ) -> AsyncStudy:
        """As `Client.create_study_from_file`."""
        request = file_request(self._session.caller.settings.project, path, study_id=study_id, exist_ok=exist_ok)
        return AsyncStudy(self._session, await self._session.run(create_from_file(self._session.caller, request, path)))

    async def check_study_file(self, path: str | os.PathLike[str]) -> StudyView:
        """As `Client.check_study_file`."""
        request = file_request(self._session.caller.settings.project, path, check=True)
        return StudyView(await self._session.run(create_from_file(self._session.caller, request, path)))

    async def study(self, name: str) -> AsyncStudy:
        """As `Client.study`."""
        full_name = full_study_name(self._session.caller.settings.project, name)
        request = study_service_pb2.GetStudyRequest(name=full_name)
        return AsyncStudy(self._session, await self._session.run(self._session.caller(methods.GET_STUDY, request)))

    async def studies(self, *, labels: Mapping[str, str] | None = None) -> list[AsyncStudy]:
        """As `Client.studies`."""
        return [
            AsyncStudy(self._session, message)
            for message in await self._session.run(list_studies(self._session.caller, labels))
        ]

    async def suggest(
        self,
        space: Space,
        objectives: Objective | Sequence[Objective],
        observations: Iterable[Observation] = (),
        *,
        parameter_constraints: Sequence[str] = (),
        outcome_constraints: OutcomeConstraint | Sequence[OutcomeConstraint] = (),
        pending: Iterable[Mapping[str, ParameterValue]] = (),
        count: int = 1,
        algorithm: str | Algorithm = "auto",
        replicates: int = 1,
        seed: int = 0,
        warm_start: bytes = b"",
        cost: str = "",
        cost_aware: bool = False,
        fixed: Mapping[str, ParameterValue] = {},
    ) -> Suggestions:
        """As `Client.suggest`."""
        flow = suggest(
            self._session.caller,
            space,
            objectives,
            observations,
            parameter_constraints=parameter_constraints,
            outcome_constraints=outcome_constraints,
            pending=pending,
            count=count,
            algorithm=algorithm,
            replicates=replicates,
            seed=seed,
            warm_start=warm_start,
            cost=cost,
            cost_aware=cost_aware,
            fixed=fixed,
        )
        return await self._session.run(flow)

    def __repr__(self) -> str:
        """Where the server is, and the project."""
        settings = self._session.caller.settings
        closed = " closed" if self._session.closed else ""
        return f"<{type(self).__name__} {settings.address} project {settings.project}{closed}>"

    async def close(self) -> None:
        """As `Client.close`."""
        await self._session.close()

    async def __aenter__(self) -> Self:
        """The client itself; `close()` at the end of the block."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
