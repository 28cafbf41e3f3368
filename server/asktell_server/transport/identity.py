"""Who calls: the token of a call to a principal."""

from __future__ import annotations

import hmac

from asktell_server.domain.errors import AsktellError, ErrorReason
from asktell_server.transport.calls import Principal

ANYONE = Principal(name="anyone")
"""The caller of a server that wants no token."""
TOKEN_HOLDER = Principal(name="token")
"""Whoever has the server's one token."""


class Identity:
    """Tells who calls. `token` None = calls need none."""

    def __init__(self, *, token: str | None) -> None:
        self._expected = f"Bearer {token}".encode() if token else None

    def principal(self, authorization: str | bytes) -> Principal:
        """The principal of a call with this header, "" = without one.

        Raises:
            AsktellError: UNAUTHENTICATED, the token is missing or wrong.
        """
        if self._expected is None:
            return ANYONE
        given = authorization.encode() if isinstance(authorization, str) else authorization
        if not hmac.compare_digest(given, self._expected):
            raise AsktellError("a valid token is required (ASKTELL_TOKEN)", reason=ErrorReason.UNAUTHENTICATED)
        return TOKEN_HOLDER
