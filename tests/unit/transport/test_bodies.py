"""Bodies: parsed once, written back, and large JSON beside the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import re
import threading
from collections.abc import Callable, Mapping
from json.decoder import scanstring  # type: ignore[attr-defined]  # the stubs leave it out
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, MessageOptions
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import DecodeError, Message
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from hypothesis import given, settings
from hypothesis import strategies as st

from asktell.v1.study_service_pb2 import CreateStudyRequest
from asktell.v1.trial_service_pb2 import ImportTrialsRequest
from asktell_server.domain.errors import InvalidArgument
from asktell_server.transport import json_bodies, json_reader, protobuf_bodies
from asktell_server.transport.batches import require_few
from asktell_server.transport.bodies import INLINE_JSON, JSON, PROTOBUF, Body, Encoding, Translator

_Field = FieldDescriptorProto


def _many(count: int) -> DescriptorProto:
    return DescriptorProto(field=[_Field(name=f"k{index}") for index in range(count)])


@pytest.mark.parametrize("encoding", [PROTOBUF, JSON])
@pytest.mark.parametrize("count", [0, 1, 5000])
async def test_what_is_written_is_parsed_again(encoding: Encoding, count: int) -> None:
    translator = Translator()
    body = Body(await translator.write(_many(count), encoding), encoding)
    assert await translator.parse(body, DescriptorProto) == _many(count)
    assert body.take() == b"", "the bytes are given away"
    assert body.size > 0 or not count
    translator.close()


@given(st.binary())
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    for encoding in (PROTOBUF, JSON):
        with contextlib.suppress(InvalidArgument):
            assert isinstance(encoding.parse(data, Struct, {}), Struct)


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"a":' * 100_000, b'{"a": ' + b"9" * 5000 + b"}"])
def test_json_that_is_deep_or_huge_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidArgument):
        JSON.parse(data, Struct, {})


FEW = {"paths": 1000}


@pytest.mark.parametrize("count", [0, 999, 1000])
def test_as_many_items_as_are_allowed_are_parsed(count: int) -> None:
    mask = FieldMask(paths=["x" * 200] * count)
    assert PROTOBUF.parse(mask.SerializeToString(), FieldMask, FEW) == mask


class _NeverMade:
    DESCRIPTOR = FieldMask.DESCRIPTOR

    def __init__(self) -> None:
        raise AssertionError


def test_too_many_items_are_refused_before_they_are_made() -> None:
    never: Any = _NeverMade
    for data in (
        b"\x0a\x00" * 16_000_000,
        b"\x0a\x00" * 1001,
        b"\x13\x14" + b"\x0a\x00" * 1_000_000,
        (b"\x10\x00" * 100 + b"\x0a\x00") * 100_000,
    ):
        with pytest.raises(InvalidArgument):
            PROTOBUF.parse(data, never, FEW)
    with pytest.raises(InvalidArgument, match="at most 2 field") as caught:
        JSON.parse(b'{"field": [{}, {}, {}]}', DescriptorProto, {"field": 2})
    assert caught.value.field == "field"


@given(st.binary())
def test_any_bytes_can_be_counted(data: bytes) -> None:
    with contextlib.suppress(InvalidArgument):
        require_few(data, FieldMask, FEW)


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="given twice"):
        JSON.parse(b'{"a": 1, "a": 2}', Struct, {})


async def test_small_bodies_stay_in_the_loop_s_thread_and_large_ones_leave_it() -> None:
    threads: list[threading.Thread] = []

    def parse(data: bytes, kind: type[Message], max_items: Mapping[str, int]) -> Message:
        threads.append(threading.current_thread())
        return kind()

    def write(message: Message) -> bytes:
        threads.append(threading.current_thread())
        return b""

    encoding = Encoding(name="test", parse=parse, write=write, inline_bytes=100)
    translator = Translator()
    await translator.parse(Body(b"x" * 100, encoding), Struct)
    await translator.write(_many(1), encoding)
    assert threads == [threading.main_thread()] * 2
    await translator.parse(Body(b"x" * 101, encoding), Struct)
    await translator.write(_many(100), encoding)
    assert threading.main_thread() not in threads[2:]
    translator.close()


async def test_other_calls_go_on_while_a_bomb_is_unpacked() -> None:
    translator = Translator()
    body = Body(gzip.compress(b" " * 64_000_000, compresslevel=1), JSON, packed=True)
    unpacking = asyncio.create_task(translator.unpack(body, 32_000_000))
    await asyncio.sleep(0)
    assert not unpacking.done()
    await unpacking
    assert body.size == 32_000_001
    translator.close()


# ------------------------------------------------------------------------------------------------------ in pieces
# A reader in C keeps the interpreter's lock until it has read all that it was given. What counts is how much that is.

M = 600_000


@pytest.mark.parametrize(
    ("data", "most"),
    [
        (b'{"field": [' + b"1," * M + b"1]}", json_reader.MOST_VALUES),
        (b'{"field": [[' + b"1," * M + b"1]]}", json_reader.MOST_VALUES),
        (b"{" + b",".join(b'"%d":1' % index for index in range(M // 2)) + b"}", json_bodies.MOST_MEMBERS),
        (b'{"field": [{' + b",".join(b'"%d":1' % index for index in range(M // 2)) + b"}]}", json_reader.MOST_KEYS),
        (b'{"field": ["' + b"\\u00e9" * 2_000_000 + b'"]}', json_reader.MOST_CHARS),
        (b'{"field": [{"' + b"\\ud83d\\ude00" * 2_000_000 + b'": 1}]}', json_reader.MOST_CHARS),
    ],
    ids=["numbers", "a list of numbers", "keys", "an object of keys", "a text of escapes", "a key of escapes"],
)
def test_json_that_no_message_holds_is_given_up(data: bytes, most: int, given_to_c: list[int]) -> None:
    with pytest.raises(InvalidArgument, match=f"more than {most:,} "):
        JSON.parse(data, ListValue, {"field": 1000})
    assert max(given_to_c) <= json_bodies.PIECE


def test_a_long_text_does_not_pass_through_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its check for halves of surrogate pairs is a regular expression that holds the lock for 50 ms a million characters."""
    given: list[Any] = []

    def parse(value: Any, message: Message, **options: Any) -> Message:
        given.append(value)
        return ParseDict(value, message, **options)

    monkeypatch.setattr(json_bodies, "ParseDict", parse)
    text = "é" * 1_000_000
    assert JSON.parse(json.dumps({"name": text}).encode(), DescriptorProto, {}) == DescriptorProto(name=text)
    assert given == [{"name": ""}]


@pytest.mark.parametrize("length", [10, 100_000])
def test_half_of_a_surrogate_pair_is_refused_in_texts_of_every_length(length: int) -> None:
    with pytest.raises(InvalidArgument, match="is not JSON"):
        JSON.parse(b'{"name": "' + b"a" * length + b'\\ud83d"}', DescriptorProto, {})


def test_json_is_read_in_pieces(given_to_c: list[int]) -> None:
    message = _many(20_000)
    assert JSON.parse(JSON.write(message), DescriptorProto, {}) == message
    assert len(given_to_c) > 20_000
    assert max(given_to_c) <= json_bodies.PIECE


@pytest.fixture
def given_to_c(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many characters the library's reader of JSON in C gets each time."""
    sizes: list[int] = []
    read = json.JSONDecoder.raw_decode

    def counted(decoder: json.JSONDecoder, text: str, idx: int = 0) -> tuple[Any, int]:
        sizes.append(len(text) - idx)
        return read(decoder, text, idx)

    def counted_text(text: str, at: int, strict: bool = True) -> tuple[str, int]:
        sizes.append(len(text) - at)
        return scanstring(text, at, strict)

    monkeypatch.setattr(json.JSONDecoder, "raw_decode", counted)
    monkeypatch.setattr(json_reader, "scanstring", counted_text)
    return sizes


def _read(read: Callable[[str, int], tuple[Any, int]], text: str) -> tuple[Any, int] | None:
    """A value and its end; None where it is refused."""
    try:
        return read(text, 0)
    except ValueError:
        return None


_TEXTS = st.text(st.sampled_from('"\\/\b\n\x00 aé\U0001f600\ud83d\ude00')) | st.text()


@given(
    _TEXTS, st.booleans(), st.integers(0, 200), st.sampled_from(["", '"', "\\", "\\u12", "\n", "\\ud83d", "\\ude00"])
)
def test_a_text_in_pieces_is_the_text_as_a_whole(text: str, ascii_alone: bool, at: int, harm: str) -> None:
    """As it is, and with something put into it."""
    written = json.dumps({text: [text]}, ensure_ascii=ascii_alone)
    at %= len(written)
    harmed = written[:at] + harm + written[at:]
    assert _read(json_reader.reader(), harmed) == _read(json.JSONDecoder().raw_decode, harmed)


@pytest.mark.parametrize("shift", range(4))
def test_no_character_falls_between_two_pieces_of_a_text(shift: int) -> None:
    text = "x" * shift + "\U0001f600" * 2000 + 'é"' * 2000 + "y" * 200_000
    written = json.dumps(text)
    assert json_reader.reader()(written, 0) == (text, len(written))


class _Counted:
    """A message, and how many bytes the library's parser gets each time, for it and for the messages in it."""

    def __init__(self, message: Any, sizes: list[int]) -> None:
        self.message = message
        self.sizes = sizes
        self.DESCRIPTOR = message.DESCRIPTOR

    def MergeFromString(self, data: bytes) -> None:  # noqa: N802  # the library's name
        self.sizes.append(len(data))
        self.message.MergeFromString(data)

    def __getattr__(self, field: str) -> _Counted | _CountedItems:
        value = getattr(self.message, field)
        return _Counted(value, self.sizes) if isinstance(value, Message) else _CountedItems(value, self.sizes)


class _CountedItems:
    def __init__(self, items: Any, sizes: list[int]) -> None:
        self.items = items
        self.sizes = sizes

    def add(self) -> _Counted:
        return _Counted(self.items.add(), self.sizes)


def test_protobuf_is_parsed_in_pieces() -> None:
    struct = Struct()
    for index in range(40_000):
        struct.fields[str(index)].null_value = 0  # type: ignore[assignment]
    whole = ListValue(values=[Value(struct_value=struct)] * 3)
    data = whole.SerializeToString()
    counted: Any = _Counted(ListValue(), [])
    PROTOBUF.parse(data, lambda: counted, {})  # type: ignore[arg-type]  # what makes the message
    assert counted.message == whole
    assert len(data) > 20 * protobuf_bodies.PIECE
    assert max(counted.sizes) < 2 * protobuf_bodies.PIECE


@given(st.lists(st.tuples(st.integers(0, 200_000), st.booleans()), max_size=6), st.integers(0), st.binary(max_size=3))
@settings(deadline=None, max_examples=50)
def test_protobuf_in_pieces_is_protobuf_as_a_whole(sizes: list[tuple[int, bool]], at: int, garbage: bytes) -> None:
    """Bodies below and above the size of a piece, whole and with bytes replaced."""
    values = [
        Value(list_value=ListValue(values=[Value(string_value="x" * 50)] * (size // 60)))
        if nested
        else Value(string_value="x" * size)
        for size, nested in sizes
    ]
    data = bytearray(ListValue(values=values).SerializeToString())
    at %= len(data) + 1
    data[at : at + len(garbage)] = garbage
    try:
        whole: Message | None = ListValue.FromString(bytes(data))
    except DecodeError:
        whole = None
    try:
        parts: Message | None = PROTOBUF.parse(bytes(data), ListValue, {})
    except InvalidArgument:
        parts = None
    assert parts == whole


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"[]", "is not JSON"),
        (b"", "is not JSON"),
        (b'"a" 1', "Extra data"),
        (b'{"field": []} 1', "Extra data"),
        (b'{"field": [] "x": 1}', "Expecting ','"),
        (b'{"field": [{} {}]}', "Expecting ','"),
        (b'{"field": [{},]}', "Expecting value"),
        (b'{"field": [{}', "Expecting ','"),
        (b'{"field"}', "Expecting ':'"),
        (b"{1: 2}", "Expecting property name"),
        (b'{"field": [{}], "field": []}', "a key is given twice"),
        (b'{"paths": []}', "paths: is no field of"),
        (b'{"field": ' + b"9" * 200_000 + b"}", "a number of more than"),
        (b'{"field": "' + b"x" * 1_600_000 + b'"}', "a text of more than"),
        (b"{" + b",".join(b'"%d":1' % index for index in range(1001)) + b"}", "more than 1,000 fields"),
        (b'{"field": [{}, ' + b"[" * 100_000 + b"]}", "is not JSON"),
        (b'{"field": [{"x": {"x": 1, "x": 2}}]}', "a key is given twice"),
    ],
)
def test_what_is_wrong_with_json_is_said(data: bytes, why: str) -> None:
    with pytest.raises(InvalidArgument, match=re.escape(why)):
        JSON.parse(data, DescriptorProto, {})


def test_an_item_that_is_wrong_is_named() -> None:
    text = b' { "field" : [ { "name" : "a" } , { } ] , "reserved_name" : [ "b" ] , "name" : "c" } '
    expected = DescriptorProto(name="c", field=[_Field(name="a"), _Field()], reserved_name=["b"])
    assert JSON.parse(text, DescriptorProto, {}) == expected
    with pytest.raises(InvalidArgument, match=r"field\[1\].nome: is no field of"):
        JSON.parse(b'{"field": [{"name": "a"}, {"nome": "b"}]}', DescriptorProto, {})


def _lists_and_objects(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "number", "jsonName"]), inner)


_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), _lists_and_objects, max_leaves=10)


@given(st.dictionaries(st.sampled_from(["field", "name", "nestedType", "reservedName", "options"]), _JSON))
def test_json_is_read_as_the_library_reads_it(content: dict[str, object]) -> None:
    try:
        expected: Message | None = ParseDict(content, DescriptorProto())
    except Exception:  # noqa: BLE001  # of many kinds
        expected = None
    try:
        read: Message | None = JSON.parse(json.dumps(content).encode(), DescriptorProto, {})
    except InvalidArgument:
        read = None
    assert read == expected


def test_large_answers_say_the_same_as_small_ones() -> None:
    message = DescriptorProto(
        name="ü\n", field=[_Field(name="a", number=index) for index in range(5000)], reserved_name=["x", "y"],
        options=MessageOptions(deprecated=True),
    )  # fmt: skip
    written = JSON.write(message)
    assert json.loads(written) == MessageToDict(message)
    assert len(written) > INLINE_JSON


@pytest.mark.parametrize(
    ("kind", "text", "field"),
    [
        (CreateStudyRequest, '{"studdy": 1}', "studdy"),
        (CreateStudyRequest, '{"study": {"searchSpace": {"parameters": [{"name": "x", "when": {}}]}}}',
         "study.searchSpace.parameters[0].when"),
        (ImportTrialsRequest, '{"trials": [{}, {"metrics": {"loss": {"error": 1}}}]}', "trials[1].metrics[loss].error"),
    ],
)  # fmt: skip
def test_a_field_that_is_not_in_the_contract_is_named(kind: type[Message], text: str, field: str) -> None:
    with pytest.raises(InvalidArgument, match=r"is no field of .*; there are ") as caught:
        JSON.parse(text.encode(), kind, {})
    assert caught.value.field == field
