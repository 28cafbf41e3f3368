"""asktell.v1.StudyService: messages in, use cases, messages out."""

from __future__ import annotations

import asyncio

from google.protobuf.empty_pb2 import Empty

from asktell.v1 import study_pb2, study_service_pb2
from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.names import StudyName, parse_project, parse_study, parse_study_id
from asktell_server.protocols.asktell_v1.conversion.counts import labels_from
from asktell_server.protocols.asktell_v1.conversion.studies import (
    checked_to,
    reopen_from,
    study_to,
    update_from,
    wanted_from,
)
from asktell_server.protocols.asktell_v1.limits import RECORD_BYTES
from asktell_server.protocols.asktell_v1.paging import decode_token, encode_token, fill_page, page_size, query_digest
from asktell_server.protocols.asktell_v1.projects import by_project, by_study
from asktell_server.protocols.asktell_v1.requests import request_of
from asktell_server.protocols.asktell_v1.study_files.reader import read_study_file
from asktell_server.service.clock import Clock
from asktell_server.service.reopening import Reopener
from asktell_server.service.studies import Studies
from asktell_server.transport.calls import Call, Permission, rpc

DEFAULT_PAGE_SIZE = 50


class StudyServicer:
    """Studies."""

    def __init__(self, studies: Studies, reopener: Reopener, clock: Clock) -> None:
        self._studies = studies
        self._reopener = reopener
        self._clock = clock

    @rpc(permission=Permission.EDIT, project=by_project("parent"), max_bytes=RECORD_BYTES)
    async def CreateStudy(  # noqa: N802  # the contract's name
        self, request: study_service_pb2.CreateStudyRequest, call: Call
    ) -> study_pb2.Study:
        if not request.study_file:
            return await self._create(request, request.study, request.study_id)
        if request.HasField("study"):
            raise InvalidArgument("study_file", "must not be set together with study")
        file = await read_study_file(request.study_file)
        return await file.judged(self._create(request, file.study, request.study_id or file.name))

    async def _create(
        self, request: study_service_pb2.CreateStudyRequest, study: study_pb2.Study, study_id: str
    ) -> study_pb2.Study:
        name = StudyName(
            project=parse_project(request.parent, field="parent"),
            study_id=parse_study_id(study_id, field="study_id"),
        )
        wanted = await asyncio.to_thread(wanted_from, study, name=name, now=self._clock())
        if request.validate_only:
            return checked_to(study, await self._studies.check(wanted))
        created = await self._studies.create(wanted, exist_ok=request.exist_ok, request=request_of(request))
        return study_to(created.head, warned=created.warnings)

    @rpc(permission=Permission.READ, project=by_study("name"), cancellable=True)
    async def GetStudy(  # noqa: N802
        self, request: study_service_pb2.GetStudyRequest, call: Call
    ) -> study_pb2.Study:
        head = await self._studies.get(parse_study(request.name, field="name"))
        hypervolume, total_cost = await self._studies.hypervolume(head), await self._studies.total_cost(head)
        return study_to(head, hypervolume=hypervolume, total_cost=total_cost)

    @rpc(permission=Permission.READ, project=by_project("parent"), cancellable=True)
    async def ListStudies(  # noqa: N802
        self, request: study_service_pb2.ListStudiesRequest, call: Call
    ) -> study_service_pb2.ListStudiesResponse:
        project = parse_project(request.parent, field="parent")
        query = query_digest("ListStudies", project, sorted(request.labels.items()))
        page, following = await self._studies.list_page(
            project,
            labels=labels_from(request.labels, "labels"),
            after=decode_token(request.page_token, query=query) if request.page_token else "",
            limit=page_size(request.page_size, default=DEFAULT_PAGE_SIZE),
        )
        answer = study_service_pb2.ListStudiesResponse()
        last = await fill_page(page, study_to, answer.studies)
        if last is not None:
            following = last.study.name.study_id
        if following is not None:
            answer.next_page_token = encode_token(following, query=query)
        return answer

    @rpc(permission=Permission.EDIT, project=by_study("study.name"), max_bytes=RECORD_BYTES)
    async def UpdateStudy(  # noqa: N802
        self, request: study_service_pb2.UpdateStudyRequest, call: Call
    ) -> study_pb2.Study:
        head = await self._studies.update(
            parse_study(request.study.name, field="study.name"),
            update_from(request.study, list(request.update_mask.paths)),
            etag=request.study.etag,
            request=request_of(request),
        )
        return study_to(head)

    @rpc(permission=Permission.EDIT, project=by_study("name"))
    async def ReopenStudy(  # noqa: N802
        self, request: study_service_pb2.ReopenStudyRequest, call: Call
    ) -> study_pb2.Study:
        head = await self._reopener.reopen(
            parse_study(request.name, field="name"),
            reopen_from(request),
            etag=request.etag,
            request=request_of(request),
        )
        return study_to(head)

    @rpc(permission=Permission.EDIT, project=by_study("name"))
    async def DeleteStudy(  # noqa: N802
        self, request: study_service_pb2.DeleteStudyRequest, call: Call
    ) -> Empty:
        name = parse_study(request.name, field="name")
        await self._studies.delete(name, etag=request.etag, request=request_of(request))
        return Empty()
