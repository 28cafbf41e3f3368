"""The bodies of calls: bytes to messages and messages to bytes, large ones in a thread."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import MessageToJson, ParseDict
from google.protobuf.message import DecodeError, Message

from asktell_server.domain.errors import InvalidArgument
from asktell_server.transport.batches import require_few, too_many
from asktell_server.transport.calls import KIB
from asktell_server.transport.packing import unpack

NO_LIMITS: Mapping[str, int] = {}

THREADS = 2
"""Parsing holds the interpreter's lock for milliseconds at a time; more threads would leave the event loop less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How messages are written. Bodies of more than `inline_bytes` go to a thread; None = none does.

    `parse` gets the most items of repeated fields, by name, as well.
    """

    name: str
    parse: Callable[[bytes, type[Message], Mapping[str, int]], Message]
    write: Callable[[Message], bytes]
    inline_bytes: int | None


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
        if encoding.inline_bytes is None or body.size <= encoding.inline_bytes:
            return encoding.parse(body.take(), kind, max_items)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, encoding.parse, body.take(), kind, max_items)

    async def write(self, message: Message, encoding: Encoding) -> bytes:
        """The body of a message."""
        if encoding.inline_bytes is None or message.ByteSize() <= encoding.inline_bytes:
            return encoding.write(message)
        return await asyncio.get_running_loop().run_in_executor(self._threads, encoding.write, message)

    def close(self) -> None:
        """Ends the threads once they are idle."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _from_protobuf(data: bytes, kind: type[Message], max_items: Mapping[str, int] = NO_LIMITS) -> Message:
    if max_items:
        require_few(data, kind, max_items)
    try:
        return kind.FromString(data)
    except DecodeError:
        name = kind.DESCRIPTOR.full_name
        raise InvalidArgument("request", f"is not a {name}: malformed bytes, or text that is not UTF-8") from None


def _to_protobuf(message: Message) -> bytes:
    return message.SerializeToString()


def _from_json(data: bytes, kind: type[Message], max_items: Mapping[str, int] = NO_LIMITS) -> Message:
    """A misspelt field is refused, and one that is given twice. Making messages takes ten times as long as reading."""
    try:
        content = json.loads(data.decode(), object_pairs_hook=_without_doubles)
        _require_few(content, max_items)
        return ParseDict(content, kind(), ignore_unknown_fields=False)
    except InvalidArgument:
        raise
    except Exception as error:  # noqa: BLE001  # protobuf's own function expects any as well
        raise InvalidArgument("body", f"is not JSON of {kind.DESCRIPTOR.full_name}: {error}") from None


def _require_few(content: Any, max_items: Mapping[str, int]) -> None:
    for name, most in max_items.items() if isinstance(content, dict) else ():
        if isinstance(items := content.get(name), list) and len(items) > most:
            raise too_many(name, most)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key is given twice")
    return content


def _to_json(message: Message) -> bytes:
    return MessageToJson(message).encode()


PROTOBUF = Encoding(name="proto", parse=_from_protobuf, write=_to_protobuf, inline_bytes=None)
"""Its parser is C and holds the interpreter's lock from beginning to end: a thread would hold up the loop as long."""
JSON = Encoding(name="json", parse=_from_json, write=_to_json, inline_bytes=16 * KIB)
"""Its parser is Python: 0.2 s for a MB of trials, 4 s for a MB of empty ones."""
