"""Request ids: which call a retry repeats."""

from __future__ import annotations

import hashlib
import re

from google.protobuf.message import Message

from asktell_server.domain.errors import InvalidArgument
from asktell_server.pace import in_pieces
from asktell_server.store.protocol import Request

_REQUEST_ID = re.compile(r"[!-~]{1,64}")


def request_of(message: Message) -> Request | None:
    """The request id of a message with a digest of all else in it; None when the caller gave none.

    Raises:
        InvalidArgument: the id is not 1 to 64 printable ASCII characters.
    """
    if not (request_id := _id_of(message)):
        return None
    digest = _digest_of(message)
    message.ClearField("request_id")  # for the moment: a copy of a large message takes longer than all else here
    try:
        digest.update(message.SerializeToString(deterministic=True))
    finally:
        message.request_id = request_id  # type: ignore[attr-defined]
    return Request(request_id=request_id, fingerprint=digest.hexdigest())


async def request_of_batch(message: Message, items: str) -> Request | None:
    """`request_of` in pieces, for a message that is large by the messages in its field `items`; all others are scalars.

    Raises:
        InvalidArgument: the id is not 1 to 64 printable ASCII characters.
    """
    if not (request_id := _id_of(message)):
        return None
    digest = _digest_of(message)

    def add(part: Message) -> None:
        data = part.SerializeToString(deterministic=True)
        digest.update(len(data).to_bytes(8))
        digest.update(data)

    rest = type(message)()
    for field, value in message.ListFields():
        if field.name not in {"request_id", items}:
            setattr(rest, field.name, value)
    add(rest)
    await in_pieces(add, getattr(message, items))
    return Request(request_id=request_id, fingerprint=digest.hexdigest())


def _id_of(message: Message) -> str:
    request_id: str = message.request_id  # type: ignore[attr-defined]  # every mutation's request has the field
    if request_id and not _REQUEST_ID.fullmatch(request_id):
        raise InvalidArgument("request_id", "must be 1 to 64 printable ASCII characters without spaces")
    return request_id


def _digest_of(message: Message) -> hashlib.blake2b:
    return hashlib.blake2b(message.DESCRIPTOR.full_name.encode(), digest_size=16)
