"""The bodies of calls: bytes to messages and messages to bytes, large ones in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from asktell_server.domain.errors import InvalidArgument
from asktell_server.transport.calls import KIB
from asktell_server.transport.json_bodies import from_json, large_to_json
from asktell_server.transport.packing import unpack
from asktell_server.transport.protobuf_bodies import from_protobuf

NO_LIMITS: Mapping[str, int] = {}

INLINE_JSON = 16 * KIB
THREADS = 2
"""Parsing holds the interpreter's lock for milliseconds at a time; more threads would leave the event loop less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How messages are written. Bodies of more than `inline_bytes` are parsed in a thread, and written in one unless
    `writes_inline`.

    `parse` gets the most items of repeated fields, by name, as well.
    """

    name: str
    parse: Callable[[bytes, type[Message], Mapping[str, int]], Message]
    write: Callable[[Message], bytes]
    inline_bytes: int
    writes_inline: bool = False


class Body:
    """The bytes of a request, to be taken once, so that nothing that outlives the parsing keeps them in memory.

    `packed`: they are gzip, and `size` is that of the packed ones.
    """

    __slots__ = ("_data", "encoding", "packed", "size")

    def __init__(self, data: bytes, encoding: Encoding, *, packed: bool = False) -> None:
        self.encoding = encoding
        self.put(data, packed=packed)

    def put(self, data: bytes, *, packed: bool = False) -> None:
        """Puts other bytes in their place."""
        self._data = data
        self.packed = packed
        self.size = len(data)

    def take(self) -> bytes:
        """The bytes; later calls get none."""
        data, self._data = self._data, b""
        return data


class Translator:
    """Parses requests and writes answers."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="bodies")

    async def unpack(self, body: Body, most_bytes: int) -> None:
        """Unpacks a packed body, up to one byte more than `most_bytes`.

        Raises:
            InvalidArgument: it is not gzip.
        """
        loop = asyncio.get_running_loop()
        try:
            body.put(await loop.run_in_executor(self._threads, unpack, body.take(), most_bytes))
        except ValueError as error:
            raise InvalidArgument("body", f"is not gzip: {error}") from None

    async def parse(self, body: Body, kind: type[Message], max_items: Mapping[str, int] = NO_LIMITS) -> Message:
        """The message of a body.

        Raises:
            InvalidArgument: the body is no such message, or a field of it has more than its `max_items`.
        """
        encoding = body.encoding
        if body.size <= encoding.inline_bytes:
            return encoding.parse(body.take(), kind, max_items)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, encoding.parse, body.take(), kind, max_items)

    async def write(self, message: Message, encoding: Encoding) -> bytes:
        """The body of a message."""
        if encoding.writes_inline or message.ByteSize() <= encoding.inline_bytes:
            return encoding.write(message)
        return await asyncio.get_running_loop().run_in_executor(self._threads, encoding.write, message)

    def close(self) -> None:
        """Ends the threads once they are idle."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _to_protobuf(message: Message) -> bytes:
    return message.SerializeToString()


def _to_json(message: Message) -> bytes:
    return MessageToJson(message).encode() if message.ByteSize() <= INLINE_JSON else large_to_json(message)


PROTOBUF = Encoding(name="proto", parse=from_protobuf, write=_to_protobuf, inline_bytes=64 * KIB, writes_inline=True)
"""Its parser is C: 0.008 s for a MB of trials, 0.05 s for a MB of empty ones."""
JSON = Encoding(name="json", parse=from_json, write=_to_json, inline_bytes=INLINE_JSON)
"""Its parser is Python: 0.2 s for a MB of trials, 4 s for a MB of empty ones."""
