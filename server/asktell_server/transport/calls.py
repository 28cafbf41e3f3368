"""Calls and the methods that answer them, whatever protocol serves them and whatever door brings them."""

from __future__ import annotations

import enum
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from asktell_server.domain.errors import AsktellError

KIB = 1024
MIB = 1024 * KIB

Metadata = dict[str, str | bytes]
"""Headers of a call, keys in lower case; only keys that end in `-bin` have bytes. Of a repeated key, one value."""

Handler = Callable[[Any, "Call"], Any]
"""`handler(request, call)` gives a coroutine of the answer, or an async generator of answers where the method streams."""

F = TypeVar("F", bound=Callable[..., Any])


class Permission(enum.Enum):
    """What a caller must be allowed to do. Today every caller with a valid token is allowed everything."""

    READ = "read"
    """See studies and trials."""
    WORK = "work"
    """Get configurations and tell results, as a worker does."""
    EDIT = "edit"
    """Change studies and trials, as a person does."""
    ADMIN = "admin"
    """Decide who may do what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a handler knows of the call that it answers.

    `peer` is the address of the other end, of a proxy where there is one. `metadata` is without the token. `deadline_s`
    is a reading of `clock`, in seconds; None = the call may take any time.
    """

    method: Method
    principal: Principal
    peer: str
    metadata: Mapping[str, str | bytes] = field(repr=False)
    deadline_s: float | None
    clock: Callable[[], float] = field(repr=False)

    @property
    def remaining_s(self) -> float | None:
        """Seconds until the deadline, negative after it; None without one."""
        return None if self.deadline_s is None else self.deadline_s - self.clock()


def no_project(_request: Any) -> str:
    """`Rules.project` of requests that concern none."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a method declares of itself.

    `project` gives the project that a request concerns, "" where it names none or the name is not a name (the handler
    refuses that). `max_bytes` is the largest request, as the parser gets it; `max_items` how many items its repeated fields
    may hold, by name, where that has to be known before they are parsed. A `cancellable` method stops when its
    caller goes away; any other runs to its end, because the store may have taken the change already.
    """

    permission: Permission
    project: Callable[[Any], str]
    max_bytes: int
    cancellable: bool
    max_items: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method of a service."""

    service: str
    name: str
    request: type[Message]
    response: type[Message]
    streams: bool
    rules: Rules
    handler: Handler

    @property
    def path(self) -> str:
        """Its path on the wire, for example `/asktell.v1.TrialService/Ask`."""
        return f"/{self.service}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service. Where it does not serve, all its methods refuse, and health checks do not know it.

    `health_names` are further names by which health checks know it.
    """

    name: str
    methods: Sequence[Method]
    serves: bool
    health_names: Sequence[str] = ()


def rpc(
    *,
    permission: Permission,
    project: Callable[[Any], str],
    cancellable: bool = False,
    max_bytes: int = 2 * MIB,
    max_items: Mapping[str, int] | None = None,
) -> Callable[[F], F]:
    """Declares the rules of the method that the decorated function answers."""
    rules = Rules(
        permission=permission,
        project=project,
        max_bytes=max_bytes,
        cancellable=cancellable,
        max_items=max_items or {},
    )

    def declare(handler: F) -> F:
        handler.rules = rules  # type: ignore[attr-defined]
        return handler

    return declare


def service_of(descriptor: ServiceDescriptor, servicer: object, *, serves: bool = True) -> Service:
    """A service that an object answers with its functions of the methods' names.

    Raises:
        AttributeError: a method has no function, or the function declares no rules.
    """
    methods = tuple(_method(method, getattr(servicer, method.name)) for method in descriptor.methods)
    return Service(name=descriptor.full_name, methods=methods, serves=serves)


def refused(descriptor: ServiceDescriptor, servicer: type, error: Callable[[], AsktellError]) -> Service:
    """A service that a class could answer and this server does not: every call gets an error of its own."""

    async def refuse(_request: Message, _call: Call) -> Message:
        raise error()

    async def refuse_stream(request: Message, call: Call) -> AsyncGenerator[Message, None]:
        yield await refuse(request, call)

    service = service_of(descriptor, servicer, serves=False)
    methods = (replace(method, handler=refuse_stream if method.streams else refuse) for method in service.methods)
    return replace(service, methods=tuple(methods))


def _method(descriptor: MethodDescriptor, handler: Any) -> Method:
    return Method(
        service=descriptor.containing_service.full_name,
        name=descriptor.name,
        request=GetMessageClass(descriptor.input_type),
        response=GetMessageClass(descriptor.output_type),
        streams=descriptor.server_streaming,
        rules=handler.rules,
        handler=handler,
    )
