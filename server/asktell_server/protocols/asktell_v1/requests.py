"""Request ids: which call a retry repeats."""

from __future__ import annotations

import hashlib
import re

from google.protobuf.message import Message

from asktell_server.domain.errors import InvalidArgument
from asktell_server.store.protocol import Request

_REQUEST_ID = re.compile(r"[!-~]{1,64}")


def request_of(message: Message) -> Request | None:
    """The request id of a message with a digest of all else in it; None when the caller gave none.

    Raises:
        InvalidArgument: the id is not 1 to 64 printable ASCII characters.
    """
    request_id: str = message.request_id  # type: ignore[attr-defined]  # every mutation's request has the field
    if not request_id:
        return None
    if not _REQUEST_ID.fullmatch(request_id):
        raise InvalidArgument("request_id", "must be 1 to 64 printable ASCII characters without spaces")
    digest = hashlib.blake2b(message.DESCRIPTOR.full_name.encode(), digest_size=16)
    message.ClearField("request_id")  # for the moment: a copy of a large message takes longer than all else here
    try:
        digest.update(message.SerializeToString(deterministic=True))
    finally:
        message.request_id = request_id  # type: ignore[attr-defined]
    return Request(request_id=request_id, fingerprint=digest.hexdigest())
