"""The client: studies by name, and the stateless door."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self, Unpack

from asktell._core import methods
from asktell._core.settings import ClientOptions, make_settings
from asktell._core.studies import create_from_file, create_study, list_studies
from asktell._core.study_requests import create_request, file_request, full_study_name
from asktell._core.study_view import StudyView
from asktell._core.suggest import suggest
from asktell._sync.session import Session
from asktell._sync.study import Study
from asktell.records import Observation, Suggestions
from asktell.spaces import ParameterValue, Space
from asktell.spec import Algorithm, Objective, OutcomeConstraint
from asktell.study_spec import StudyOptions
from asktell.v1 import study_service_pb2


class Client:
    """A connection to one or several servers. Safe to use from several threads; make a new one after a fork.

    Every method may raise a subclass of `asktell.AsktellError`; the usual ones are named where they matter.
    """

    def __init__(self, address: str | None = None, **options: Unpack[ClientOptions]) -> None:
        """Opens no connection yet: the first call does, and waits for the server for as long as its deadline.

        `address`: `host:port`, or several with commas between; default ASKTELL_ADDRESS, then localhost:50051. The
        options are those of `ClientOptions`.
        """
        self._session = Session(make_settings(address, **options))

    def create_study(self, study_id: str, *, exist_ok: bool = False, **options: Unpack[StudyOptions]) -> Study:
        """Creates a study; the arguments are those of `StudyOptions`. With `exist_ok`, creates or opens it.

        Raises:
            InvalidArgument: `field` says what is wrong.
            StudyExists: it exists; with `exist_ok`, with another specification.
        """
        request = create_request(self._session.caller.settings.project, study_id, options, exist_ok=exist_ok)
        return Study(self._session, self._session.run(create_study(self._session.caller, request)))

    def create_study_from_file(
        self, path: str | os.PathLike[str], *, study_id: str = "", exist_ok: bool = False
    ) -> Study:
        """Creates the study of a YAML file, which the server reads. `study_id` replaces the name in the file.

        Raises:
            InvalidArgument: something in the file is wrong; the message begins with `path:line:column: key`.
            StudyExists: it exists; with `exist_ok`, with another specification.
            OSError: the file cannot be read.
        """
        request = file_request(self._session.caller.settings.project, path, study_id=study_id, exist_ok=exist_ok)
        return Study(self._session, self._session.run(create_from_file(self._session.caller, request, path)))

    def check_study_file(self, path: str | os.PathLike[str]) -> StudyView:
        """The study of a YAML file as the server reads it, with its warnings. Nothing is stored.

        Raises:
            InvalidArgument: something in the file is wrong; the message begins with `path:line:column: key`.
            OSError: the file cannot be read.
        """
        request = file_request(self._session.caller.settings.project, path, check=True)
        return StudyView(self._session.run(create_from_file(self._session.caller, request, path)))

    def study(self, name: str) -> Study:
        """The study of an id or of a full name `projects/…/studies/…`. Raises StudyNotFound."""
        full_name = full_study_name(self._session.caller.settings.project, name)
        request = study_service_pb2.GetStudyRequest(name=full_name)
        return Study(self._session, self._session.run(self._session.caller(methods.GET_STUDY, request)))

    def studies(self, *, labels: Mapping[str, str] | None = None) -> list[Study]:
        """The project's studies by name; with `labels`, those that have all of them."""
        return [
            Study(self._session, message) for message in self._session.run(list_studies(self._session.caller, labels))
        ]

    def suggest(
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
        """Suggestions for a problem and its history, without a study: nothing is stored.

        The same arguments get the same suggestions. `pending`: configurations that are running now. `replicates`: how many
        times each configuration may be tried. `cost`: the metric that says what a trial cost; with `cost_aware` the model looks for
        improvement per expected cost.
        """
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
        return self._session.run(flow)

    def __repr__(self) -> str:
        """Where the server is, and the project."""
        settings = self._session.caller.settings
        closed = " closed" if self._session.closed else ""
        return f"<{type(self).__name__} {settings.address} project {settings.project}{closed}>"

    def close(self) -> None:
        """Gives back the open trials that have a lease, and closes the connection."""
        self._session.close()

    def __enter__(self) -> Self:
        """The client itself; `close()` at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
