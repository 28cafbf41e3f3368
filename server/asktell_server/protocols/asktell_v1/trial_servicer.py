"""asktell.v1.TrialService: messages in, use cases, messages out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from google.protobuf.empty_pb2 import Empty

from asktell.v1 import trial_pb2, trial_service_pb2
from asktell_server.domain.names import TrialName, parse_study, parse_trial
from asktell_server.protocols.asktell_v1.conversion.changes import change_to
from asktell_server.protocols.asktell_v1.conversion.counts import annotations_from
from asktell_server.protocols.asktell_v1.conversion.metrics import metrics_from
from asktell_server.protocols.asktell_v1.conversion.spaces import configuration_from
from asktell_server.protocols.asktell_v1.conversion.times import time_to
from asktell_server.protocols.asktell_v1.conversion.trials import (
    best_to,
    filter_from,
    new_trials_from,
    past_trials_from,
    result_from,
    trial_to,
    update_from,
    write_measurements,
    write_trials,
)
from asktell_server.protocols.asktell_v1.limits import BATCH_BYTES, RECORD_BYTES
from asktell_server.protocols.asktell_v1.paging import decode_number, encode_token, fill_page, page_size, query_digest
from asktell_server.protocols.asktell_v1.projects import by_study, by_trial
from asktell_server.protocols.asktell_v1.requests import request_of, request_of_batch
from asktell_server.service.intake import MAX_BATCH
from asktell_server.service.use_cases import UseCases
from asktell_server.transport.calls import Call, Permission, rpc

DEFAULT_PAGE_SIZE = 100


class TrialServicer:
    """Trials."""

    def __init__(self, use_cases: UseCases) -> None:
        self._asking = use_cases.asking
        self._trials = use_cases.trials
        self._reading = use_cases.reading
        self._intake = use_cases.intake
        self._watching = use_cases.watching

    # A caller that is gone must get no trials.
    @rpc(permission=Permission.WORK, project=by_study("study"), cancellable=True)
    async def Ask(  # noqa: N802  # the contract's name
        self, request: trial_service_pb2.AskRequest, call: Call
    ) -> trial_service_pb2.AskResponse:
        study = parse_study(request.study, field="study")
        records = await self._asking.ask(
            study,
            count=request.count or 1,
            worker_id=request.worker_id,
            request=request_of(request),
            cost_aware=request.cost_aware,
            fixed=configuration_from(request.fixed_parameters, "fixed_parameters"),
            continue_from=request.continue_from,
        )
        answer = trial_service_pb2.AskResponse()
        await write_trials(study, records, answer.trials)
        return answer

    @rpc(permission=Permission.WORK, project=by_trial("name"))
    async def Tell(  # noqa: N802
        self, request: trial_service_pb2.TellRequest, call: Call
    ) -> trial_service_pb2.TellResponse:
        name = _name(request.name)
        record, superseded = await self._trials.tell(
            name,
            result_from(request.outcome, request.metrics, request.reason),
            lease_id=request.lease_id,
            request=request_of(request),
            annotations=annotations_from(request.annotations, "annotations"),
        )
        return trial_service_pb2.TellResponse(trial=trial_to(name.study, record), superseded=superseded)

    @rpc(permission=Permission.WORK, project=by_trial("name"))
    async def Report(  # noqa: N802
        self, request: trial_service_pb2.ReportRequest, call: Call
    ) -> trial_service_pb2.ReportResponse:
        answer = await self._trials.report(
            _name(request.name),
            lease_id=request.lease_id,
            step=request.step,
            metrics=metrics_from(request.metrics, "metrics"),
            request=request_of(request),
        )
        return trial_service_pb2.ReportResponse(
            should_stop=answer.should_stop,
            stop_reason=answer.stop_reason,
            lease_valid=answer.lease_valid,
            lease_expire_time=time_to(answer.lease_expire_time),
        )

    @rpc(permission=Permission.WORK, project=by_trial("name"))
    async def ReleaseTrial(  # noqa: N802
        self, request: trial_service_pb2.ReleaseTrialRequest, call: Call
    ) -> trial_pb2.Trial:
        name = _name(request.name)
        record = await self._trials.release(name, lease_id=request.lease_id, request=request_of(request))
        return trial_to(name.study, record)

    @rpc(permission=Permission.EDIT, project=by_study("study"), max_bytes=BATCH_BYTES, max_items={"trials": MAX_BATCH})
    async def EnqueueTrials(  # noqa: N802
        self, request: trial_service_pb2.EnqueueTrialsRequest, call: Call
    ) -> trial_service_pb2.EnqueueTrialsResponse:
        study = parse_study(request.study, field="study")
        trials = await new_trials_from(request.trials)
        records = await self._intake.enqueue(study, trials, request=await request_of_batch(request, "trials"))
        answer = trial_service_pb2.EnqueueTrialsResponse()
        await write_trials(study, records, answer.trials)
        return answer

    @rpc(permission=Permission.EDIT, project=by_study("study"), max_bytes=BATCH_BYTES, max_items={"trials": MAX_BATCH})
    async def ImportTrials(  # noqa: N802
        self, request: trial_service_pb2.ImportTrialsRequest, call: Call
    ) -> trial_service_pb2.ImportTrialsResponse:
        study = parse_study(request.study, field="study")
        records, created = await self._intake.import_(
            study,
            await past_trials_from(request.trials),
            request=await request_of_batch(request, "trials"),
            validate_only=request.validate_only,
        )
        answer = trial_service_pb2.ImportTrialsResponse(imported_count=created)
        await write_trials(study, records, answer.trials)
        return answer

    @rpc(permission=Permission.READ, project=by_trial("name"), cancellable=True)
    async def GetTrial(  # noqa: N802
        self, request: trial_service_pb2.GetTrialRequest, call: Call
    ) -> trial_pb2.Trial:
        name = _name(request.name)
        goals, record, measurements = await self._reading.get(name)
        answer = trial_to(name.study, record, goals=goals)
        await write_measurements(measurements, answer.measurements)
        return answer

    @rpc(permission=Permission.READ, project=by_study("parent"), cancellable=True)
    async def ListTrials(  # noqa: N802
        self, request: trial_service_pb2.ListTrialsRequest, call: Call
    ) -> trial_service_pb2.ListTrialsResponse:
        study = parse_study(request.parent, field="parent")
        filter_ = filter_from(request.filter)
        query = query_digest(
            "ListTrials", study, sorted(filter_.states), filter_.worker_id, sorted(filter_.labels.items())
        )
        goals, page, following = await self._reading.list_page(
            study,
            filter_=filter_,
            after=decode_number(request.page_token, query=query) if request.page_token else 0,
            limit=page_size(request.page_size, default=DEFAULT_PAGE_SIZE),
        )
        answer = trial_service_pb2.ListTrialsResponse()
        last = await fill_page(page, partial(trial_to, study, goals=goals), answer.trials)
        if last is not None:
            following = last.trial.number
        if following is not None:
            answer.next_page_token = encode_token(str(following), query=query)
        return answer

    @rpc(permission=Permission.READ, project=by_study("parent"), cancellable=True)
    async def ListBestTrials(  # noqa: N802
        self, request: trial_service_pb2.ListBestTrialsRequest, call: Call
    ) -> trial_service_pb2.ListBestTrialsResponse:
        study = parse_study(request.parent, field="parent")
        best = await self._reading.best(
            study, count=request.count or 1, by_model=request.by_model, with_history=request.hypervolume_history
        )
        return await best_to(study, best)

    @rpc(permission=Permission.EDIT, project=by_trial("trial.name"), max_bytes=RECORD_BYTES)
    async def UpdateTrial(  # noqa: N802
        self, request: trial_service_pb2.UpdateTrialRequest, call: Call
    ) -> trial_pb2.Trial:
        name = parse_trial(request.trial.name, field="trial.name")
        update = update_from(request.trial, list(request.update_mask.paths))
        return trial_to(name.study, await self._trials.update(name, update, request=request_of(request)))

    @rpc(permission=Permission.EDIT, project=by_trial("name"))
    async def AmendTrial(  # noqa: N802
        self, request: trial_service_pb2.AmendTrialRequest, call: Call
    ) -> trial_pb2.Trial:
        name = _name(request.name)
        result = result_from(request.outcome, request.metrics, "")
        record = await self._trials.amend(name, result, reason=request.reason, request=request_of(request))
        return trial_to(name.study, record)

    @rpc(permission=Permission.EDIT, project=by_trial("name"))
    async def CancelTrial(  # noqa: N802
        self, request: trial_service_pb2.CancelTrialRequest, call: Call
    ) -> trial_pb2.Trial:
        name = _name(request.name)
        record = await self._trials.cancel(name, reason=request.reason, request=request_of(request))
        return trial_to(name.study, record)

    @rpc(permission=Permission.EDIT, project=by_trial("name"))
    async def DeleteTrial(  # noqa: N802
        self, request: trial_service_pb2.DeleteTrialRequest, call: Call
    ) -> Empty:
        await self._trials.delete(_name(request.name), request=request_of(request))
        return Empty()

    @rpc(permission=Permission.READ, project=by_study("study"), cancellable=True)
    async def WatchStudy(  # noqa: N802
        self, request: trial_service_pb2.WatchStudyRequest, call: Call
    ) -> AsyncIterator[trial_service_pb2.WatchStudyResponse]:
        study = parse_study(request.study, field="study")
        async for head, entry in self._watching.watch(study, cursor=request.cursor):
            yield change_to(head, entry)


def _name(text: str) -> TrialName:
    return parse_trial(text, field="name")
