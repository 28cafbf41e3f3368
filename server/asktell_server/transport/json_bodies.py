"""JSON to messages, without keeping the interpreter's lock for long: other calls go on meanwhile.

The reader of Python's library is in C and holds the lock from beginning to end of what it reads, and so does the freeing of
what it has made. So it gets pieces: the items of a request's lists one by one, each of which is made a message and forgotten
before the next is read. What is longer than a piece is read in Python (`json_reader.py`), up to a number of values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict, MessageToJson, ParseDict
from google.protobuf.message import Message

from asktell_server.domain.errors import InvalidArgument
from asktell_server.transport.batches import too_many
from asktell_server.transport.calls import KIB
from asktell_server.transport.json_reader import expect, given_twice, reader, skip, without_doubles

PIECE = 64 * KIB
"""Characters that are read in one go."""
MOST_MEMBERS = 1000
"""Of a request itself, which has a dozen fields."""
_UNKNOWN = re.compile(
    r'Message type "([\w.]+)" has no field named "(.*)" at "([^"]*)"\.\s*Available Fields[^:]*: "?(.*)',
    re.DOTALL,
)
MAX_FIELD = 200
_Value = tuple[Any, int]
"""A value, and where what follows it begins."""


def from_json(data: bytes, kind: type[Message], max_items: Mapping[str, int]) -> Message:
    """The message of a JSON text. A misspelt field is refused, and one that is given twice.

    Raises:
        InvalidArgument: it is no such JSON, or a field has more than its `max_items`.
    """
    message = kind()
    try:
        rest: dict[str, Any] = {}
        long_texts: dict[str, str] = {}
        text = data.decode()
        del data
        if text[(start := skip(text, 0)) : start + 1] != "{":  # a message that is written as something else, or none
            ParseDict(_alone(text, start), message, ignore_unknown_fields=False)
            return message
        for name, at in (members := _Members(text)):
            field = _field(kind, name)
            if field is not None and text[at : at + 1] == "[" and _is_list_of_messages(field):
                members.at = _read_list(text, at, message, field, max_items)
            else:
                rest[name], members.at = _read(text, at)
                # protobuf's own check of a text takes 50 ns a character
                if field is not None and _is_text(field) and isinstance(rest[name], str) and len(rest[name]) > PIECE:
                    long_texts[field.name] = rest[name]
                    rest[name] = ""
        ParseDict(rest, message, ignore_unknown_fields=False)
        for name, long_text in long_texts.items():
            setattr(message, name, long_text)
    except InvalidArgument:
        raise
    except Exception as error:  # noqa: BLE001  # protobuf's own function expects any as well
        _require_known(error)
        raise InvalidArgument("body", f"is not JSON of {kind.DESCRIPTOR.full_name}: {error}") from None
    return message


def large_to_json(message: Message) -> bytes:
    """The JSON of a message without line breaks, its lists item by item: the library's writer is in C as well."""
    if not any(_is_list_of_messages(field) for field, _ in message.ListFields()):
        return MessageToJson(message).encode()
    members: list[str] = []
    rest = type(message)()
    for field, value in message.ListFields():
        if _is_list_of_messages(field):
            items = ", ".join(json.dumps(MessageToDict(item)) for item in value)
            members.append(f"{json.dumps(field.json_name)}: [{items}]")
        elif field.is_repeated:
            getattr(rest, field.name).MergeFrom(value)
        elif field.message_type:
            getattr(rest, field.name).CopyFrom(value)
        else:
            setattr(rest, field.name, value)
    members += [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in MessageToDict(rest).items()]
    return f"{{{', '.join(members)}}}".encode()


class _Members:
    """The names in an object that is all of a text, and where their values begin; `at` is set to where each ends."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0

    def __iter__(self) -> Iterator[tuple[str, int]]:
        text = self._text
        self.at = expect(text, skip(text, 0), "{")
        seen: set[str] = set()
        if text[self.at : self.at + 1] == "}":
            self.at += 1
        else:
            while True:
                name, at = _read(text, self.at)
                if not isinstance(name, str):
                    raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, self.at)
                if name in seen:
                    raise given_twice()
                if len(seen) >= MOST_MEMBERS:
                    raise ValueError(f"more than {MOST_MEMBERS:,} fields")
                seen.add(name)
                yield name, expect(text, skip(text, at), ":")
                self.at = skip(text, self.at)
                if text[self.at : self.at + 1] == "}":
                    self.at += 1
                    break
                self.at = expect(text, self.at, ",")
        if (end := skip(text, self.at)) != len(text):
            raise json.JSONDecodeError("Extra data", text, end)


def _read_list(text: str, at: int, message: Message, field: Any, max_items: Mapping[str, int]) -> int:
    """Reads a list of messages into a field; returns where what follows it begins."""
    items = getattr(message, field.name)
    if items:
        raise given_twice()
    most = max_items.get(field.name)
    at = expect(text, at, "[")
    if text[at : at + 1] == "]":
        return at + 1
    while True:
        if most is not None and len(items) >= most:
            raise too_many(field.name, most)
        value, at = _read(text, at)
        where = f"{field.name}[{len(items)}]"
        try:
            ParseDict(value, items.add(), ignore_unknown_fields=False)
        except Exception as error:  # noqa: BLE001
            _require_known(error, f"{where}.")
            raise ValueError(f"{where}: {error}") from None
        at = skip(text, at)
        if text[at : at + 1] == "]":
            return at + 1
        at = expect(text, at, ",")


def _read(text: str, at: int) -> _Value:
    """Reads a value."""
    piece = text[at : at + PIECE]
    try:
        value, length = _IN_C.raw_decode(piece)
    except ValueError:  # wrong, or cut off by the end of the piece
        return reader()(text, at)
    if length == len(piece) == PIECE:  # a number that may go on
        return reader()(text, at)
    return value, at + length


def _alone(text: str, at: int) -> Any:
    """A value behind which nothing follows."""
    value, end = _read(text, at)
    if (end := skip(text, end)) != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    if value == []:  # the library takes it for any message without fields
        raise json.JSONDecodeError("Expecting '{'", text, at)
    return value


def _field(kind: type[Message], name: str) -> Any:
    fields = kind.DESCRIPTOR
    return fields.fields_by_camelcase_name.get(name) or fields.fields_by_name.get(name)


def _is_list_of_messages(field: Any) -> bool:
    kind = field.message_type
    return bool(kind and field.is_repeated and not kind.GetOptions().map_entry)


def _is_text(field: Any) -> bool:
    return bool(field.type == field.TYPE_STRING and not field.is_repeated)


def _require_known(error: Exception, where: str = "") -> None:
    """Raises InvalidArgument for the field when that is what the library complains about: it is not in the contract."""
    if (unknown := _UNKNOWN.search(str(error))) is not None:
        kind, name, path, known = unknown.groups()
        inner = f"{path.partition('.')[2]}." if "." in path else ""
        names = ", ".join(re.findall(r"[\w]+", known))
        raise InvalidArgument(
            f"{where}{inner}{name}"[:MAX_FIELD], f"is no field of {kind}, or one of a later version; there are {names}"
        ) from None


_IN_C = json.JSONDecoder(object_pairs_hook=without_doubles)
