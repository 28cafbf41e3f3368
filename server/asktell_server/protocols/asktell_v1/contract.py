"""Which services a server answers: all of them with a store, SuggestionService alone without."""

from __future__ import annotations

from collections.abc import Sequence

from asktell.v1 import analysis_service_pb2, study_service_pb2, suggestion_service_pb2, trial_service_pb2
from asktell_server.domain.errors import AsktellError, ErrorReason
from asktell_server.protocols.asktell_v1.analysis_servicer import AnalysisServicer
from asktell_server.protocols.asktell_v1.study_servicer import StudyServicer
from asktell_server.protocols.asktell_v1.suggestion_servicer import SuggestionServicer
from asktell_server.protocols.asktell_v1.trial_servicer import TrialServicer
from asktell_server.service.clock import Clock
from asktell_server.service.suggesting import Suggesting
from asktell_server.service.use_cases import UseCases
from asktell_server.transport.calls import Service, refused, service_of

_STUDIES = study_service_pb2.DESCRIPTOR.services_by_name["StudyService"]
_TRIALS = trial_service_pb2.DESCRIPTOR.services_by_name["TrialService"]
_SUGGESTIONS = suggestion_service_pb2.DESCRIPTOR.services_by_name["SuggestionService"]
_ANALYSIS = analysis_service_pb2.DESCRIPTOR.services_by_name["AnalysisService"]


def services(suggesting: Suggesting, use_cases: UseCases | None, clock: Clock) -> Sequence[Service]:
    """The services of asktell.v1; `use_cases` None = the server has no store."""
    suggestions = service_of(_SUGGESTIONS, SuggestionServicer(suggesting))
    if use_cases is None:
        return (
            suggestions,
            refused(_STUDIES, StudyServicer, _stateless),
            refused(_TRIALS, TrialServicer, _stateless),
            refused(_ANALYSIS, AnalysisServicer, _stateless),
        )
    return (
        service_of(_STUDIES, StudyServicer(use_cases.studies, use_cases.reopening, clock)),
        service_of(_TRIALS, TrialServicer(use_cases)),
        suggestions,
        service_of(_ANALYSIS, AnalysisServicer(use_cases)),
    )


def _stateless() -> AsktellError:
    return AsktellError(
        "this server runs with --stateless and serves asktell.v1.SuggestionService alone",
        reason=ErrorReason.STATELESS_SERVER,
    )
