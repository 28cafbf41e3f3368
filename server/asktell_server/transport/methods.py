"""The methods a server answers, as values: one table from which every protocol builds its handlers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method: `handler(request, None)` gives a coroutine, or an async generator when it `streams`."""

    service: str
    name: str
    request: type[Message]
    response: type[Message]
    streams: bool
    handler: Callable[[Any, Any], Any]

    @property
    def path(self) -> str:
        """Its path on the wire."""
        return f"/{self.service}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service of the contract and the object whose methods, of the contract's names, answer it."""

    descriptor: ServiceDescriptor
    servicer: object

    @property
    def name(self) -> str:
        """Its full name, e.g. `asktell.v1.TrialService`."""
        return self.descriptor.full_name

    def methods(self) -> Iterator[Method]:
        """All methods of the service."""
        for method in self.descriptor.methods:
            yield Method(
                service=self.name,
                name=method.name,
                request=GetMessageClass(method.input_type),
                response=GetMessageClass(method.output_type),
                streams=method.server_streaming,
                handler=getattr(self.servicer, method.name),
            )
