"""What went wrong in a call, as the one kind of error that leaves the edge."""

from __future__ import annotations

import logging
import secrets

from asktell_server.domain.errors import AsktellError, ErrorReason, ResourceExhausted
from asktell_server.transport.calls import Method

log = logging.getLogger(__name__)


def explained(error: Exception, method: Method, *, project: str = "") -> AsktellError:
    """The error for the client. What is neither ours nor a deadline is a bug: it is logged, and told by a number alone.

    The error comes without traceback and context. Their frames hold the request, and where a frame holds the error as
    well, both would stay until the garbage collector's next full run.
    """
    if isinstance(error, AsktellError):
        failure = error
    elif isinstance(error, TimeoutError):
        failure = AsktellError("the deadline passed before the answer was ready", reason=ErrorReason.DEADLINE)
    else:
        failure = _incident(error, method, project)
    for each in (error, failure):
        each.__traceback__ = each.__context__ = each.__cause__ = None
    return failure


def require_size(method: Method, size: int) -> None:
    """Raises ResourceExhausted when a request of `size` bytes is larger than the method takes."""
    if size > method.rules.max_bytes:
        raise too_large(method)


def too_large(method: Method) -> ResourceExhausted:
    """The error for a request that is larger than its method takes."""
    limit = method.rules.max_bytes
    return ResourceExhausted(
        f"the request has more than the {limit:,} bytes that {method.name} takes",
        reason=ErrorReason.LIMIT_EXCEEDED,
        metadata={"limit": str(limit), "field": "request"},
    )


def body_late(most_s: float) -> AsktellError:
    """The error for a request whose body was not there after `most_s` seconds."""
    return AsktellError(f"the body did not come within {most_s:g} s", reason=ErrorReason.DEADLINE)


def _incident(error: Exception, method: Method, project: str) -> AsktellError:
    incident = secrets.token_hex(8)
    where = f"{method.name} of project {project}" if project else method.name
    log.error("incident %s: %s failed", incident, where, exc_info=error)
    return AsktellError(
        f"internal error; the server's log has more under incident {incident}",
        reason=ErrorReason.INTERNAL,
        metadata={"incident": incident},
    )
