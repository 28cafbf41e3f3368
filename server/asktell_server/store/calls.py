"""Script calls on a link: arguments in, replies checked for what any script can refuse."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from asktell_server.domain.errors import ErrorReason, InvalidArgument, study_not_found
from asktell_server.domain.names import StudyName
from asktell_server.store import scripts
from asktell_server.store.driver import translated
from asktell_server.store.keys import study_keys
from asktell_server.store.link import Link
from asktell_server.store.protocol import REQUEST_TTL_S, Conflict, ConflictKind, Request
from asktell_server.store.replies import read_row

_RESEND_TTL_S = 120  # far longer than the driver keeps resending one command


class ScriptCalls:
    """Runs scripts on a study.

    Raises:
        NotFound: there is no such study. InvalidArgument: REQUEST_ID_REUSED. Conflict: nothing was written.
        Unavailable: the store is away.
    """

    def __init__(self, link: Link) -> None:
        self._link = link

    async def ask(self, script: str, name: StudyName, arguments: Mapping[str, Any]) -> Sequence[Any]:
        """Runs a script that acknowledges nothing."""
        with translated(script, self._link.name):
            reply = await self._link.run(
                scripts.load(script), study_keys(name, ""), scripts.pack_arguments(arguments), acknowledged=False
            )
        return _checked(reply, name)

    async def ask_many(self, script: str, names: Sequence[StudyName]) -> Sequence[Sequence[Any] | None]:
        """Runs a script that only reads on many studies, in one round trip; None where there is no such study."""
        packed = scripts.pack_arguments({})
        with translated(script, self._link.name):
            replies = await self._link.run_many(
                scripts.load(script), [(study_keys(name, ""), packed) for name in names]
            )
        return [None if reply[0] == b"NO_STUDY" else reply for reply in replies]

    async def change(
        self, script: str, name: StudyName, arguments: Mapping[str, Any], request_id: str
    ) -> Sequence[Any]:
        """Runs a script whose answer acknowledges a change."""
        keys = study_keys(name, request_id)
        packed = scripts.pack_arguments(arguments)
        with translated(script, self._link.name):
            reply = await self._link.run(scripts.load(script), keys, packed, acknowledged=True)
        return _checked(reply, name)


def remembering(request: Request | None) -> tuple[str, dict[str, Any]]:
    """The request id, and the arguments that make a script remember it.

    Without a request of the caller's there is one of ours, for the driver sends a command again when a connection
    breaks, and that must not do it twice either.
    """
    if request is None:
        return f"~{secrets.token_hex(12)}", {"fingerprint": "", "ttl": _RESEND_TTL_S}
    return request.request_id, {"fingerprint": request.fingerprint, "ttl": REQUEST_TTL_S}


def _checked(reply: Sequence[Any], name: StudyName) -> Sequence[Any]:
    """The reply, unless it is a refusal that any script can give."""
    status = reply[0]
    if status == b"NO_STUDY":
        raise study_not_found(str(name))
    if status == b"REUSED":
        raise InvalidArgument("request_id", "was used for another request before", reason=ErrorReason.REQUEST_ID_REUSED)
    if status == b"CONFLICT":
        _, kind, index, row = reply
        raise Conflict(
            ConflictKind[kind.decode()],
            index=None if index < 0 else index,
            current=None if row is None else read_row(row).trial,
        )
    return reply
