"""Who calls: the token of a call to a principal."""

from __future__ import annotations

import hmac

from asktell_server.domain.errors import AsktellError, ErrorReason
from asktell_server.transport.calls import Metadata, Principal

HEADER = "authorization"

ANYONE = Principal(name="anyone")
"""The caller of a server that wants no token."""
TOKEN_HOLDER = Principal(name="token")
"""Whoever has the server's one token."""


class Identity:
    """Tells who calls. `token` None = calls need none."""

    def __init__(self, *, token: str | None) -> None:
        self._expected = f"Bearer {token}".encode() if token else None

    def principal(self, metadata: Metadata) -> Principal:
        """The principal of a call with this metadata.

        Raises:
            AsktellError: UNAUTHENTICATED, the token is missing or wrong.
        """
        if self._expected is None:
            return ANYONE
        given = metadata.get(HEADER, b"")
        if not hmac.compare_digest(given.encode() if isinstance(given, str) else given, self._expected):
            raise AsktellError("a valid token is required (ASKTELL_TOKEN)", reason=ErrorReason.UNAUTHENTICATED)
        return TOKEN_HOLDER


def without_secrets(metadata: Metadata) -> Metadata:
    """The metadata that handlers may see."""
    return {key: value for key, value in metadata.items() if key != HEADER}
