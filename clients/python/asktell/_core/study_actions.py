"""What the synchronous and the asynchronous study handle share: every action on a study, as a flow."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from asktell._core import methods
from asktell._core.ask_options import AskOptions
from asktell._core.comparing import compare_studies, compare_trials
from asktell._core.flow import Flow, new_request_id
from asktell._core.studies import Caller, ask, list_trials
from asktell._core.study_requests import full_study_name, reopen_request, state_request, update_request
from asktell._core.study_view import StudyView, names_of
from asktell._core.trial_actions import OUTCOMES
from asktell._core.trial_view import TrialView
from asktell._core.values import encode_configuration, encode_metrics, encode_time, whole
from asktell._core.watch import Watch
from asktell.comparison import Comparison
from asktell.errors import AsktellError, NoResult, StudyComplete
from asktell.records import HypervolumePoint, ImportedTrial, TrialState
from asktell.spaces import ParameterValue
from asktell.study_spec import StudyChanges
from asktell.v1 import study_pb2, study_service_pb2, trial_pb2, trial_service_pb2

States: TypeAlias = TrialState | str | Iterable[TrialState | str]
Params: TypeAlias = Mapping[str, ParameterValue]


class StudyActions(StudyView):
    """A study that can be acted upon."""

    def __init__(self, caller: Caller, message: study_pb2.Study) -> None:
        """Takes the message over."""
        super().__init__(message)
        self._caller = caller
        self._names = names_of(message)
        self._asked_at: study_pb2.Study | None = None  # the reading that was the newest at the last ask

    def _ask(
        self, count: int | None, wait: bool | float, options: AskOptions
    ) -> Flow[tuple[Sequence[trial_pb2.Trial], float]]:
        self._asked_at = self._message
        try:
            return (
                yield from ask(self._caller, self.name, count=1 if count is None else count, wait=wait, options=options)
            )
        except StudyComplete:
            with contextlib.suppress(AsktellError):  # the news is that the study is complete, whatever this says
                yield from self._refresh()
            raise

    def _summary(self) -> list[str]:
        older = ["read before the last ask: refresh() counts anew"] if self._asked_at is self._message else []
        return super()._summary() + older

    def _enqueue(
        self,
        params: Params | Iterable[Params],
        labels: Mapping[str, str] | None,
        annotations: Mapping[str, str] | None,
        continue_from: int | None,
    ) -> Flow[Sequence[trial_pb2.Trial]]:
        listed = [params] if isinstance(params, Mapping) else list(params)
        request = trial_service_pb2.EnqueueTrialsRequest(
            study=self.name,
            trials=[
                trial_service_pb2.EnqueuedTrial(
                    parameters=encode_configuration(each, f"params[{index}]"),
                    labels=labels or {},
                    annotations=annotations or {},
                    continue_from=0 if continue_from is None else whole(continue_from, "continue_from"),
                )
                for index, each in enumerate(listed)
            ],
            request_id=new_request_id(),
        )
        return (yield from self._caller(methods.ENQUEUE_TRIALS, request)).trials

    def _import(self, trials: Iterable[ImportedTrial], validate_only: bool) -> Flow[Sequence[trial_pb2.Trial]]:
        request = trial_service_pb2.ImportTrialsRequest(
            study=self.name,
            trials=[_imported(each, f"trials[{index}]") for index, each in enumerate(trials)],
            request_id="" if validate_only else new_request_id(),
            validate_only=validate_only,
        )
        return (yield from self._caller(methods.IMPORT_TRIALS, request)).trials

    def _list(
        self, states: States | None, worker_id: str, labels: Mapping[str, str] | None
    ) -> Flow[list[trial_pb2.Trial]]:
        chosen = () if states is None else [states] if isinstance(states, str) else states
        codes = [trial_pb2.TrialState.Value(f"TRIAL_STATE_{TrialState(state.upper())}") for state in chosen]
        trial_filter = trial_service_pb2.TrialFilter(states=codes, worker_id=worker_id, labels=labels or {})
        return list_trials(self._caller, self.name, trial_filter)

    def _best(self, count: int) -> Flow[Sequence[trial_pb2.Trial]]:
        request = trial_service_pb2.ListBestTrialsRequest(parent=self.name, count=whole(count, "count"))
        return (yield from self._caller(methods.LIST_BEST_TRIALS, request)).trials

    def _best_one(self) -> Flow[trial_pb2.Trial]:
        if len(self.objectives) > 1:
            raise ValueError(
                f"{self.name} has {len(self.objectives)} objectives and no single best trial: see pareto_front"
            )
        found = yield from self._best(1)
        if not found:
            raise NoResult(f"{self.name} has no result yet", metadata={"name": self.name})
        if found[0].violation:
            raise NoResult(
                f"no trial of {self.name} keeps the outcome constraints yet; best_trials() gives those that miss them least",
                metadata={"name": self.name},
            )
        return found[0]

    def _front(self) -> Flow[Sequence[trial_pb2.Trial]]:
        request = trial_service_pb2.ListBestTrialsRequest(parent=self.name)
        answer = yield from self._caller(methods.LIST_BEST_TRIALS, request)
        return () if answer.infeasible else answer.trials

    def _hypervolume(self) -> Flow[float | None]:
        request = trial_service_pb2.ListBestTrialsRequest(parent=self.name)
        answer = yield from self._caller(methods.LIST_BEST_TRIALS, request)
        return answer.hypervolume if answer.HasField("hypervolume") else None

    def _hypervolume_history(self) -> Flow[list[HypervolumePoint]]:
        request = trial_service_pb2.ListBestTrialsRequest(parent=self.name, hypervolume_history=True)
        answer = yield from self._caller(methods.LIST_BEST_TRIALS, request)
        return [
            HypervolumePoint(trial_number=each.trial_number, ended_count=each.ended_count, hypervolume=each.hypervolume)
            for each in answer.hypervolume_history
        ]

    def _best_by_model(self) -> Flow[trial_service_pb2.BestByModel | None]:
        request = trial_service_pb2.ListBestTrialsRequest(parent=self.name, by_model=True)
        answer = yield from self._caller(methods.LIST_BEST_TRIALS, request)
        return answer.best_by_model if answer.HasField("best_by_model") else None

    def _get_trial(self, number: int) -> Flow[trial_pb2.Trial]:
        name = f"{self.name}/trials/{whole(number, 'number')}"
        return self._caller(methods.GET_TRIAL, trial_service_pb2.GetTrialRequest(name=name))

    def _compare(self, left: int, right: int) -> Flow[Comparison]:
        first = yield from self._get_trial(left)
        second = yield from self._get_trial(right)
        return compare_trials(TrialView(first, self._names), TrialView(second, self._names), self.objectives)

    def _compare_with(self, other: StudyView | str) -> Flow[Comparison]:
        name = other if isinstance(other, str) else other.name
        sides: list[tuple[StudyView, list[TrialView]]] = []
        for each in (self.name, full_study_name(self._caller.settings.project, name)):
            message = yield from self._caller(methods.GET_STUDY, study_service_pb2.GetStudyRequest(name=each))
            found = yield from list_trials(self._caller, message.name, trial_service_pb2.TrialFilter())
            names = names_of(message)
            sides.append((StudyView(message), [TrialView(trial, names) for trial in found]))
        return compare_studies(*sides[0], *sides[1])

    def _refresh(self) -> Flow[None]:
        self._message = yield from self._caller(methods.GET_STUDY, study_service_pb2.GetStudyRequest(name=self.name))

    def _set_state(self, state: study_pb2.StudyState.ValueType) -> Flow[None]:
        self._message = yield from self._caller(methods.UPDATE_STUDY, state_request(self.name, state))

    def _update(self, changes: StudyChanges, etag: str | None) -> Flow[None]:
        request = update_request(self.name, changes, etag=etag or "")
        self._message = yield from self._caller(methods.UPDATE_STUDY, request)

    def _reopen(
        self, *, decay: float | None, remeasure: int | None, keep: bool, more_trials: int | None, etag: str | None
    ) -> Flow[None]:
        request = reopen_request(
            self.name, decay=decay, remeasure=remeasure, keep=keep, more_trials=more_trials, etag=etag or ""
        )
        self._message = yield from self._caller(methods.REOPEN_STUDY, request)

    def _delete(self, etag: str | None) -> Flow[None]:
        request = study_service_pb2.DeleteStudyRequest(name=self.name, etag=etag or "", request_id=new_request_id())
        yield from self._caller(methods.DELETE_STUDY, request)

    def _watch(self, cursor: str) -> Watch:
        return Watch(self._caller, self.name, cursor)


def _imported(trial: ImportedTrial, where: str) -> trial_service_pb2.ImportedTrial:
    return trial_service_pb2.ImportedTrial(
        import_key=trial.key,
        parameters=encode_configuration(trial.params, f"{where}.params"),
        outcome=OUTCOMES[trial.outcome],
        metrics=encode_metrics(trial.metrics),
        reason=trial.reason,
        start_time=encode_time(trial.start_time, f"{where}.start_time"),
        finish_time=encode_time(trial.finish_time, f"{where}.finish_time"),
        labels=trial.labels,
        annotations=trial.annotations,
        note=trial.note,
    )
