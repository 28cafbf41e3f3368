"""asktell.v1.TrialService: messages in, use cases, messages out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from google.protobuf.empty_pb2 import Empty

from asktell.v1 import trial_pb2, trial_service_pb2, trial_service_pb2_grpc
from asktell_server.domain.names import StudyName, TrialName, parse_study, parse_trial
from asktell_server.service.use_cases import UseCases
from asktell_server.store.protocol import Reported, TrialRecord
from asktell_server.transport.context import Context
from asktell_server.transport.conversion.changes import change_to
from asktell_server.transport.conversion.metrics import metrics_from
from asktell_server.transport.conversion.times import time_to
from asktell_server.transport.conversion.trials import (
    best_by_model_to,
    filter_from,
    new_trials_from,
    past_trials_from,
    result_from,
    trial_to,
    update_from,
)
from asktell_server.transport.paging import decode_number, encode_token, page_size, query_digest
from asktell_server.transport.requests import request_of

DEFAULT_PAGE_SIZE = 100


class TrialServicer(trial_service_pb2_grpc.TrialServiceServicer):
    """Trials over gRPC."""

    def __init__(self, use_cases: UseCases) -> None:
        self._asking = use_cases.asking
        self._trials = use_cases.trials
        self._reading = use_cases.reading
        self._intake = use_cases.intake
        self._watching = use_cases.watching

    async def Ask(  # noqa: N802  # gRPC's name
        self, request: trial_service_pb2.AskRequest, context: Context
    ) -> trial_service_pb2.AskResponse:
        study = parse_study(request.study, field="study")
        records = await self._asking.ask(
            study, count=request.count or 1, worker_id=request.worker_id, request=request_of(request)
        )
        return trial_service_pb2.AskResponse(trials=_trials_to(study, records))

    async def Tell(  # noqa: N802
        self, request: trial_service_pb2.TellRequest, context: Context
    ) -> trial_service_pb2.TellResponse:
        name = _name(request.name)
        record, superseded = await self._trials.tell(
            name,
            result_from(request.outcome, request.metrics, request.reason),
            lease_id=request.lease_id,
            request=request_of(request),
        )
        return trial_service_pb2.TellResponse(trial=trial_to(name.study, record), superseded=superseded)

    async def Report(  # noqa: N802
        self, request: trial_service_pb2.ReportRequest, context: Context
    ) -> trial_service_pb2.ReportResponse:
        reported = await self._trials.report(
            _name(request.name),
            lease_id=request.lease_id,
            step=request.step,
            metrics=metrics_from(request.metrics),
            request=request_of(request),
        )
        return trial_service_pb2.ReportResponse(
            should_stop=not reported.lease_valid,
            stop_reason=_stop_reason(reported),
            lease_valid=reported.lease_valid,
            lease_expire_time=time_to(reported.lease_expire_time),
        )

    async def ReleaseTrial(  # noqa: N802
        self, request: trial_service_pb2.ReleaseTrialRequest, context: Context
    ) -> trial_pb2.Trial:
        name = _name(request.name)
        record = await self._trials.release(name, lease_id=request.lease_id, request=request_of(request))
        return trial_to(name.study, record)

    async def EnqueueTrials(  # noqa: N802
        self, request: trial_service_pb2.EnqueueTrialsRequest, context: Context
    ) -> trial_service_pb2.EnqueueTrialsResponse:
        study = parse_study(request.study, field="study")
        records = await self._intake.enqueue(study, new_trials_from(request.trials), request=request_of(request))
        return trial_service_pb2.EnqueueTrialsResponse(trials=_trials_to(study, records))

    async def ImportTrials(  # noqa: N802
        self, request: trial_service_pb2.ImportTrialsRequest, context: Context
    ) -> trial_service_pb2.ImportTrialsResponse:
        study = parse_study(request.study, field="study")
        records, created = await self._intake.import_(
            study, past_trials_from(request.trials), request=request_of(request)
        )
        return trial_service_pb2.ImportTrialsResponse(trials=_trials_to(study, records), imported_count=created)

    async def GetTrial(  # noqa: N802
        self, request: trial_service_pb2.GetTrialRequest, context: Context
    ) -> trial_pb2.Trial:
        name = _name(request.name)
        record, measurements = await self._reading.get(name)
        return trial_to(name.study, record, measurements=measurements)

    async def ListTrials(  # noqa: N802
        self, request: trial_service_pb2.ListTrialsRequest, context: Context
    ) -> trial_service_pb2.ListTrialsResponse:
        study = parse_study(request.parent, field="parent")
        filter_ = filter_from(request.filter)
        query = query_digest(
            "ListTrials", study, sorted(filter_.states), filter_.worker_id, sorted(filter_.labels.items())
        )
        page, following = await self._reading.list_page(
            study,
            filter_=filter_,
            after=decode_number(request.page_token, query=query) if request.page_token else 0,
            limit=page_size(request.page_size, default=DEFAULT_PAGE_SIZE),
        )
        return trial_service_pb2.ListTrialsResponse(
            trials=_trials_to(study, page),
            next_page_token="" if following is None else encode_token(str(following), query=query),
        )

    async def ListBestTrials(  # noqa: N802
        self, request: trial_service_pb2.ListBestTrialsRequest, context: Context
    ) -> trial_service_pb2.ListBestTrialsResponse:
        study = parse_study(request.parent, field="parent")
        records, model = await self._reading.best(study, count=request.count or 1, by_model=request.by_model)
        return trial_service_pb2.ListBestTrialsResponse(
            trials=_trials_to(study, records), best_by_model=best_by_model_to(study, model) if model else None
        )

    async def UpdateTrial(  # noqa: N802
        self, request: trial_service_pb2.UpdateTrialRequest, context: Context
    ) -> trial_pb2.Trial:
        name = parse_trial(request.trial.name, field="trial.name")
        update = update_from(request.trial, list(request.update_mask.paths))
        return trial_to(name.study, await self._trials.update(name, update, request=request_of(request)))

    async def AmendTrial(  # noqa: N802
        self, request: trial_service_pb2.AmendTrialRequest, context: Context
    ) -> trial_pb2.Trial:
        name = _name(request.name)
        result = result_from(request.outcome, request.metrics, "")
        record = await self._trials.amend(name, result, reason=request.reason, request=request_of(request))
        return trial_to(name.study, record)

    async def CancelTrial(  # noqa: N802
        self, request: trial_service_pb2.CancelTrialRequest, context: Context
    ) -> trial_pb2.Trial:
        name = _name(request.name)
        record = await self._trials.cancel(name, reason=request.reason, request=request_of(request))
        return trial_to(name.study, record)

    async def DeleteTrial(  # noqa: N802
        self, request: trial_service_pb2.DeleteTrialRequest, context: Context
    ) -> Empty:
        await self._trials.delete(_name(request.name), request=request_of(request))
        return Empty()

    async def WatchStudy(  # noqa: N802
        self, request: trial_service_pb2.WatchStudyRequest, context: Context
    ) -> AsyncIterator[trial_service_pb2.WatchStudyResponse]:
        study = parse_study(request.study, field="study")
        async for head, entry in self._watching.watch(study, cursor=request.cursor):
            yield change_to(head, entry)


def _name(text: str) -> TrialName:
    return parse_trial(text, field="name")


def _trials_to(study: StudyName, records: Sequence[TrialRecord]) -> list[trial_pb2.Trial]:
    return [trial_to(study, record) for record in records]


def _stop_reason(reported: Reported) -> str:
    if reported.lease_valid:
        return ""
    return f"the lease is lost: the trial is {reported.trial_state.value} and no longer this worker's"
