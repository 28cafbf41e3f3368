"""Messages on a pipe: 4 bytes big-endian length, then the message."""

from __future__ import annotations

import struct
from typing import BinaryIO

_LENGTH = struct.Struct(">I")


def write_frame(stream: BinaryIO, payload: bytes) -> None:
    """Writes one message and flushes."""
    stream.write(_LENGTH.pack(len(payload)) + payload)
    stream.flush()


def read_frame(stream: BinaryIO) -> bytes | None:
    """Reads one message; None at the end of the stream. Raises EOFError: the stream ends within a message."""
    head = stream.read(_LENGTH.size)
    if not head:
        return None
    if len(head) == _LENGTH.size:
        (length,) = _LENGTH.unpack(head)
        payload = stream.read(length)
        if len(payload) == length:
            return payload
    raise EOFError("the stream ended within a message")
