"""Which services a server answers: all of them with a store, SuggestionService alone without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asktell.v1 import analysis_service_pb2, study_service_pb2, suggestion_service_pb2, trial_service_pb2
from asktell_server.transport import refusing
from asktell_server.transport.methods import Service
from asktell_server.transport.study_servicer import StudyServicer
from asktell_server.transport.suggestion_servicer import SuggestionServicer
from asktell_server.transport.trial_servicer import TrialServicer

_STUDIES = study_service_pb2.DESCRIPTOR.services_by_name["StudyService"]
_TRIALS = trial_service_pb2.DESCRIPTOR.services_by_name["TrialService"]
_SUGGESTIONS = suggestion_service_pb2.DESCRIPTOR.services_by_name["SuggestionService"]
_ANALYSIS = analysis_service_pb2.DESCRIPTOR.services_by_name["AnalysisService"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The services and, of these, the names of those that really serve."""

    services: Sequence[Service]
    serving: Sequence[str]


def with_store(studies: StudyServicer, trials: TrialServicer, suggestions: SuggestionServicer) -> Contract:
    """Everything."""
    served = (
        Service(descriptor=_STUDIES, servicer=studies),
        Service(descriptor=_TRIALS, servicer=trials),
        Service(descriptor=_SUGGESTIONS, servicer=suggestions),
    )
    return Contract(services=(*served, refusing.not_yet(_ANALYSIS)), serving=tuple(service.name for service in served))


def without_store(suggestions: SuggestionServicer) -> Contract:
    """The stateless door alone."""
    served = Service(descriptor=_SUGGESTIONS, servicer=suggestions)
    refused = (refusing.stateless(descriptor) for descriptor in (_STUDIES, _TRIALS, _ANALYSIS))
    return Contract(services=(served, *refused), serving=(served.name,))
