"""How many items a request holds, found out before they are made: two bytes of an empty one cost a hundred in memory."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.message import Message

from asktell_server.domain.errors import InvalidArgument

MOST_OTHER_RECORDS = 1000
"""A message of this contract has a dozen fields; the form allows each to be given again and again."""

_VARINT, _FIXED_64, BYTES, _FIXED_32 = 0, 1, 2, 5
_FIXED = {_FIXED_64: 8, _FIXED_32: 4}


def require_few(data: bytes, kind: type[Message], max_items: Mapping[str, int]) -> None:
    """Reads the records of a message in protobuf's form until one of its repeated fields has too many.

    Records that are malformed are left to the parser. The effort grows with the limits, not with the message.

    Raises:
        InvalidArgument: there are too many, or it is not in that form.
    """
    left = {kind.DESCRIPTOR.fields_by_name[name].number: most for name, most in max_items.items()}
    names = {kind.DESCRIPTOR.fields_by_name[name].number: name for name in max_items}
    at, others = 0, MOST_OTHER_RECORDS
    while at < len(data):
        number, _, at = record_end(data, at)
        if number in left:
            left[number] -= 1
            if left[number] < 0:
                raise too_many(names[number], max_items[names[number]])
        else:
            others -= 1
            if others < 0:
                raise InvalidArgument("request", f"has more than {MOST_OTHER_RECORDS} records of single fields")


def record_end(data: bytes, at: int) -> tuple[int, int, int]:
    """The number of the field of the record that begins at `at`, where its content begins, and where it ends.

    Raises:
        InvalidArgument: it is a group, or in no form at all.
    """
    tag, at = (data[at], at + 1) if data[at] < 0x80 else _varint(data, at)
    wire = tag & 7
    if wire == BYTES:
        length, at = (data[at], at + 1) if at < len(data) and data[at] < 0x80 else _varint(data, at)
        return tag >> 3, at, at + length
    if wire == _VARINT:
        return tag >> 3, at, _varint(data, at)[1]
    if wire in _FIXED:
        return tag >> 3, at, at + _FIXED[wire]
    raise InvalidArgument("request", "has a group, or malformed bytes")


def too_many(name: str, most: int) -> InvalidArgument:
    """The error for a field with more than `most` items."""
    return InvalidArgument(name, f"must hold at most {most} {name}, got more")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number, and where what follows it begins; at the end of the data zeros."""
    value = 0
    for index in range(10):
        byte = data[at + index] if at + index < len(data) else 0
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    return value, len(data)
