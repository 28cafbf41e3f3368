"""Messages between the server and its workers: a length of 8 bytes, big endian, and a pickle."""

from __future__ import annotations

import asyncio
import pickle
import struct
from dataclasses import dataclass
from typing import BinaryIO

HEADER = struct.Struct(">Q")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A worker's answer when a task raised an error."""

    reason: str


def packed(message: object) -> bytes:
    """The message as bytes, its length first."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return HEADER.pack(len(body)) + body


def unpacked(body: bytes) -> object:
    """The message of bytes without their length."""
    message: object = pickle.loads(body)  # noqa: S301 - the other side is a process of this very program
    return message


def read_message(stream: BinaryIO) -> object | None:
    """The next message; None when the other side has closed the stream."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (size,) = HEADER.unpack(header)
    body = stream.read(size)
    return unpacked(body) if len(body) == size else None


def write_message(stream: BinaryIO, message: object) -> None:
    """Sends a message."""
    stream.write(packed(message))
    stream.flush()


async def receive(stream: asyncio.StreamReader) -> object:
    """The next message. Raises EOFError when the other side has closed the stream or is gone."""
    try:
        (size,) = HEADER.unpack(await stream.readexactly(HEADER.size))
        return unpacked(await stream.readexactly(size))
    except (asyncio.IncompleteReadError, ConnectionError):
        raise EOFError from None
