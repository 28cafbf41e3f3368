"""The contract's methods as values: one table for the synchronous and the asynchronous transport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from asktell.v1 import (
    analysis_service_pb2,
    study_pb2,
    study_service_pb2,
    suggestion_service_pb2,
    trial_pb2,
    trial_service_pb2,
)

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method(Generic[Req, Resp]):
    """A method of the contract; `slow` ones may fit a model before they answer."""

    path: str
    request: type[Req]
    response: type[Resp]
    slow: bool = False


def _study(name: str, request: type[Req], response: type[Resp]) -> Method[Req, Resp]:
    return Method(path=f"/asktell.v1.StudyService/{name}", request=request, response=response)


def _trial(name: str, request: type[Req], response: type[Resp], *, slow: bool = False) -> Method[Req, Resp]:
    return Method(path=f"/asktell.v1.TrialService/{name}", request=request, response=response, slow=slow)


def _analysis(name: str, request: type[Req], response: type[Resp]) -> Method[Req, Resp]:
    return Method(path=f"/asktell.v1.AnalysisService/{name}", request=request, response=response, slow=True)


CREATE_STUDY = _study("CreateStudy", study_service_pb2.CreateStudyRequest, study_pb2.Study)
GET_STUDY = _study("GetStudy", study_service_pb2.GetStudyRequest, study_pb2.Study)
LIST_STUDIES = _study("ListStudies", study_service_pb2.ListStudiesRequest, study_service_pb2.ListStudiesResponse)
REOPEN_STUDY = _study("ReopenStudy", study_service_pb2.ReopenStudyRequest, study_pb2.Study)
UPDATE_STUDY = _study("UpdateStudy", study_service_pb2.UpdateStudyRequest, study_pb2.Study)
DELETE_STUDY = _study("DeleteStudy", study_service_pb2.DeleteStudyRequest, Empty)

ASK = _trial("Ask", trial_service_pb2.AskRequest, trial_service_pb2.AskResponse, slow=True)
TELL = _trial("Tell", trial_service_pb2.TellRequest, trial_service_pb2.TellResponse)
REPORT = _trial("Report", trial_service_pb2.ReportRequest, trial_service_pb2.ReportResponse)
RELEASE_TRIAL = _trial("ReleaseTrial", trial_service_pb2.ReleaseTrialRequest, trial_pb2.Trial)
ENQUEUE_TRIALS = _trial(
    "EnqueueTrials", trial_service_pb2.EnqueueTrialsRequest, trial_service_pb2.EnqueueTrialsResponse
)
IMPORT_TRIALS = _trial("ImportTrials", trial_service_pb2.ImportTrialsRequest, trial_service_pb2.ImportTrialsResponse)
GET_TRIAL = _trial("GetTrial", trial_service_pb2.GetTrialRequest, trial_pb2.Trial)
LIST_TRIALS = _trial("ListTrials", trial_service_pb2.ListTrialsRequest, trial_service_pb2.ListTrialsResponse)
LIST_BEST_TRIALS = _trial(
    "ListBestTrials", trial_service_pb2.ListBestTrialsRequest, trial_service_pb2.ListBestTrialsResponse
)
UPDATE_TRIAL = _trial("UpdateTrial", trial_service_pb2.UpdateTrialRequest, trial_pb2.Trial)
AMEND_TRIAL = _trial("AmendTrial", trial_service_pb2.AmendTrialRequest, trial_pb2.Trial)
CANCEL_TRIAL = _trial("CancelTrial", trial_service_pb2.CancelTrialRequest, trial_pb2.Trial)
DELETE_TRIAL = _trial("DeleteTrial", trial_service_pb2.DeleteTrialRequest, Empty)
WATCH_STUDY = _trial("WatchStudy", trial_service_pb2.WatchStudyRequest, trial_service_pb2.WatchStudyResponse)

SUGGEST = Method(
    path="/asktell.v1.SuggestionService/Suggest",
    request=suggestion_service_pb2.SuggestRequest,
    response=suggestion_service_pb2.SuggestResponse,
    slow=True,
)

GET_IMPORTANCES = _analysis(
    "GetImportances", analysis_service_pb2.GetImportancesRequest, analysis_service_pb2.GetImportancesResponse
)
PREDICT_OUTCOMES = _analysis(
    "PredictOutcomes", analysis_service_pb2.PredictOutcomesRequest, analysis_service_pb2.PredictOutcomesResponse
)
GET_SLICE = _analysis("GetSlice", analysis_service_pb2.GetSliceRequest, analysis_service_pb2.GetSliceResponse)
CROSS_VALIDATE = _analysis(
    "CrossValidate", analysis_service_pb2.CrossValidateRequest, analysis_service_pb2.CrossValidateResponse
)
GET_TRADE_OFFS = _analysis(
    "GetTradeOffs", analysis_service_pb2.GetTradeOffsRequest, analysis_service_pb2.GetTradeOffsResponse
)
GET_HEALTH = _analysis("GetHealth", analysis_service_pb2.GetHealthRequest, analysis_service_pb2.GetHealthResponse)
