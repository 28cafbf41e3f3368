"""The services that a server answers for Katib."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from asktell_server.protocols.katib.servicer import SuggestionServicer
from asktell_server.protocols.katib.wire import api_pb2
from asktell_server.service.clock import Clock
from asktell_server.service.suggesting import Suggesting
from asktell_server.service.use_cases import UseCases
from asktell_server.transport.calls import Service, service_of

HEALTH_NAME = "manager.v1beta1.Suggestion"
"""What Katib's readiness probe asks for, which is not the service's name."""


def services(suggesting: Suggesting, _: UseCases | None, __: Clock) -> Sequence[Service]:
    """Katib's suggestion service, which needs no store."""
    suggestion = service_of(api_pb2.DESCRIPTOR.services_by_name["Suggestion"], SuggestionServicer(suggesting))
    return (replace(suggestion, health_names=(HEALTH_NAME,)),)
