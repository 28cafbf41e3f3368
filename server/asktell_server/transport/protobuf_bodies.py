"""Protobuf to messages, in pieces: its parser is in C and holds the interpreter's lock from beginning to end.

Messages in protobuf's form may be cut anywhere between two of their records: parsing the parts one after the other into the
same message is parsing the whole.
"""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.message import DecodeError, Message

from asktell_server.domain.errors import InvalidArgument
from asktell_server.transport.batches import BYTES, record_end, require_few
from asktell_server.transport.calls import KIB, MIB

PIECE = 64 * KIB
"""Bytes parsed in one go: 3 ms of the smallest messages."""
MOST_ENTRY = MIB
"""Bytes of one entry of a map, which cannot be cut."""
MOST_RECORDS = 200_000
"""In one message that is longer than a piece: maps that grow further keep the lock while they do."""
MOST_DEPTH = 50
"""Messages within messages; protobuf itself ends at 100."""


def from_protobuf(data: bytes, kind: type[Message], max_items: Mapping[str, int]) -> Message:
    """The message of bytes.

    Raises:
        InvalidArgument: they are no such message, or a field has more than its `max_items`.
    """
    if max_items:
        require_few(data, kind, max_items)
    message = kind()
    try:
        _merge(message, data, MOST_DEPTH)
    except DecodeError:
        name = kind.DESCRIPTOR.full_name
        raise InvalidArgument("request", f"is not a {name}: malformed bytes, or text that is not UTF-8") from None
    return message


def _merge(message: Message, data: bytes, depth: int) -> None:
    """Parses bytes into a message: records that are small together, the message in a large one by its own records."""
    if len(data) <= PIECE:
        message.MergeFromString(data)
        return
    if not depth:
        raise DecodeError
    fields = message.DESCRIPTOR.fields_by_number
    begin = at = 0
    left = MOST_RECORDS
    while at < len(data):
        start = at
        left -= 1
        if left < 0:
            raise InvalidArgument("request", f"has more than {MOST_RECORDS:,} records in one {message.DESCRIPTOR.name}")
        number, content, at = record_end(data, at)
        if at - start > PIECE and data[start] & 7 == BYTES and (field := fields.get(number)) and field.message_type:
            if at > len(data):
                raise DecodeError
            message.MergeFromString(data[begin:start])
            if field.message_type.GetOptions().map_entry:
                if at - content > MOST_ENTRY:
                    raise _large_entry(field.name, at - content)
                message.MergeFromString(data[start:at])
            else:
                inner = getattr(message, field.name)
                _merge(inner.add() if field.is_repeated else inner, data[content:at], depth - 1)
            begin = at
        elif at - begin >= PIECE:
            message.MergeFromString(data[begin:at])
            begin = at
    message.MergeFromString(data[begin:])


def _large_entry(field: str, size: int) -> InvalidArgument:
    return InvalidArgument(field, f"must hold entries of at most {MOST_ENTRY:,} bytes, got {size:,}")
