"""JSON to messages, without keeping the interpreter's lock for long: other calls go on meanwhile.

The reader of Python's library is in C and holds the lock from beginning to end of what it reads, and so does the freeing of
what it has made. So it gets pieces: the items of a request's lists one by one, each of which is made a message and forgotten
before the next is read. What is longer than a piece is read by the same library's reader in Python, up to a number of values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from json.decoder import WHITESPACE, JSONArray, JSONObject  # type: ignore[attr-defined]  # the stubs leave them out
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from typing import Any

from google.protobuf.json_format import MessageToDict, MessageToJson, ParseDict
from google.protobuf.message import Message

from asktell_server.domain.errors import InvalidArgument
from asktell_server.transport.batches import too_many
from asktell_server.transport.calls import KIB

PIECE = 64 * KIB
"""Characters that are read in one go."""
MOST_VALUES = 300_000
"""In one value of a request that is longer than a piece: a space of 100 parameters with 1,000 choices has a third."""

MOST_CHARS = 1_500_000
"""Of a text: protobuf looks through it for a while. A study file has two thirds at most."""
MOST_MEMBERS = 1000
"""Of a request itself, which has a dozen fields."""
MOST_DIGITS = 1000
"""Of a number; no field takes as many."""

_NUMBER = re.compile(rf"[-+.\deE]{{{MOST_DIGITS}}}", re.ASCII)
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
        text = data.decode()
        del data
        if text[(start := _skip(text, 0)) : start + 1] != "{":  # a message that is written as something else, or none
            ParseDict(_alone(text, start), message, ignore_unknown_fields=False)
            return message
        for name, at in (members := _Members(text)):
            field = _field(kind, name)
            if field is not None and text[at : at + 1] == "[" and _is_list_of_messages(field):
                members.at = _read_list(text, at, message, field, max_items)
            else:
                rest[name], members.at = _read(text, at)
        ParseDict(rest, message, ignore_unknown_fields=False)
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
        self.at = _expect(text, _skip(text, 0), "{")
        seen: set[str] = set()
        if text[self.at : self.at + 1] == "}":
            self.at += 1
        else:
            while True:
                name, at = _read(text, self.at)
                if not isinstance(name, str):
                    raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, self.at)
                if name in seen:
                    raise _given_twice()
                if len(seen) >= MOST_MEMBERS:
                    raise ValueError(f"more than {MOST_MEMBERS:,} fields")
                seen.add(name)
                yield name, _expect(text, _skip(text, at), ":")
                self.at = _skip(text, self.at)
                if text[self.at : self.at + 1] == "}":
                    self.at += 1
                    break
                self.at = _expect(text, self.at, ",")
        if (end := _skip(text, self.at)) != len(text):
            raise json.JSONDecodeError("Extra data", text, end)


def _read_list(text: str, at: int, message: Message, field: Any, max_items: Mapping[str, int]) -> int:
    """Reads a list of messages into a field; returns where what follows it begins."""
    items = getattr(message, field.name)
    if items:
        raise _given_twice()
    most = max_items.get(field.name)
    at = _expect(text, at, "[")
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
        at = _skip(text, at)
        if text[at : at + 1] == "]":
            return at + 1
        at = _expect(text, at, ",")


def _read(text: str, at: int) -> _Value:
    """Reads a value."""
    piece = text[at : at + PIECE]
    try:
        value, length = _IN_C.raw_decode(piece)
    except ValueError:  # wrong, or cut off by the end of the piece
        return _reader()(text, at)
    if length == len(piece) == PIECE:  # a number that may go on
        return _reader()(text, at)
    return value, at + length


def _alone(text: str, at: int) -> Any:
    """A value behind which nothing follows."""
    value, end = _read(text, at)
    if (end := _skip(text, end)) != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    if value == []:  # the library takes it for any message without fields
        raise json.JSONDecodeError("Expecting '{'", text, at)
    return value


def _reader() -> Callable[[str, int], _Value]:
    """Reads up to so many values, a few at a time between which other threads run."""
    left = MOST_VALUES
    decoder = json.JSONDecoder(object_pairs_hook=_without_doubles)

    def scan(text: str, at: int) -> _Value:
        nonlocal left
        left -= 1
        if left < 0:
            raise ValueError(f"more than {MOST_VALUES:,} values in one")
        if _NUMBER.match(text, at):
            raise ValueError(f"a number of more than {MOST_DIGITS:,} digits")
        try:
            value, end = scan_any(text, at)
        except StopIteration as stop:
            raise json.JSONDecodeError("Expecting value", text, stop.value) from None
        if isinstance(value, str) and len(value) > MOST_CHARS:
            raise ValueError(f"a text of more than {MOST_CHARS:,} characters")
        return value, end

    def array(text_and_start: tuple[str, int], _scan: object) -> _Value:
        value: _Value = JSONArray(text_and_start, scan)
        return value

    def mapping(text_and_start: tuple[str, int], strict: bool, _scan: object, *hooks: Any) -> _Value:
        value: _Value = JSONObject(text_and_start, strict, scan, *hooks)
        return value

    decoder.parse_array, decoder.parse_object = array, mapping  # type: ignore[attr-defined]
    scan_any = py_make_scanner(decoder)
    return scan


def _field(kind: type[Message], name: str) -> Any:
    fields = kind.DESCRIPTOR
    return fields.fields_by_camelcase_name.get(name) or fields.fields_by_name.get(name)


def _is_list_of_messages(field: Any) -> bool:
    kind = field.message_type
    return bool(kind and field.is_repeated and not kind.GetOptions().map_entry)


def _require_known(error: Exception, where: str = "") -> None:
    """Raises InvalidArgument for the field when that is what the library complains about: it is not in the contract."""
    if (unknown := _UNKNOWN.search(str(error))) is not None:
        kind, name, path, known = unknown.groups()
        inner = f"{path.partition('.')[2]}." if "." in path else ""
        names = ", ".join(re.findall(r"[\w]+", known))
        raise InvalidArgument(
            f"{where}{inner}{name}"[:MAX_FIELD], f"is no field of {kind}, or one of a later version; there are {names}"
        ) from None


def _skip(text: str, at: int) -> int:
    end: int = WHITESPACE.match(text, at).end()
    return end


def _expect(text: str, at: int, sign: str) -> int:
    """Where the next word behind `sign` begins."""
    if text[at : at + 1] != sign:
        raise json.JSONDecodeError(f"Expecting {sign!r}", text, at)
    return _skip(text, at + 1)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise _given_twice()
    return content


def _given_twice() -> ValueError:
    return ValueError("a key is given twice")


_IN_C = json.JSONDecoder(object_pairs_hook=_without_doubles)
