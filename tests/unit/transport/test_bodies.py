"""Bodies: parsed once, written back, and large JSON beside the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import threading
import time
from collections.abc import Mapping

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import ListValue, Struct
from hypothesis import given
from hypothesis import strategies as st

from asktell_server.domain.errors import InvalidArgument
from asktell_server.transport.batches import require_few
from asktell_server.transport.bodies import JSON, PROTOBUF, Body, Encoding, Translator


def _struct(count: int) -> Struct:
    struct = Struct()
    struct.update({f"k{index}": index for index in range(count)})
    return struct


@pytest.mark.parametrize("encoding", [PROTOBUF, JSON])
@pytest.mark.parametrize("count", [0, 1, 5000])
async def test_what_is_written_is_parsed_again(encoding: Encoding, count: int) -> None:
    translator = Translator()
    body = Body(await translator.write(_struct(count), encoding), encoding)
    assert await translator.parse(body, Struct) == _struct(count)
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


def test_too_many_items_are_refused_before_they_are_made() -> None:
    for encoding, data in (
        (PROTOBUF, b"\x0a\x00" * 16_000_000),
        (PROTOBUF, b"\x0a\x00" * 1001),
        (PROTOBUF, b"\x13\x14" + b"\x0a\x00" * 1_000_000),
        (PROTOBUF, (b"\x10\x00" * 100 + b"\x0a\x00") * 100_000),
    ):
        began = time.process_time()
        with pytest.raises(InvalidArgument):
            encoding.parse(data, FieldMask, FEW)
        assert time.process_time() - began < 0.05
    with pytest.raises(InvalidArgument, match="at most 2 values") as caught:
        JSON.parse(b'{"values": [1, 2, 3]}', ListValue, {"values": 2})
    assert caught.value.field == "values"


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
    await translator.write(_struct(1), encoding)
    assert threads == [threading.main_thread()] * 2
    await translator.parse(Body(b"x" * 101, encoding), Struct)
    await translator.write(_struct(100), encoding)
    assert threading.main_thread() not in threads[2:]
    translator.close()


async def test_other_calls_go_on_while_a_bomb_is_unpacked() -> None:
    translator = Translator()
    body = Body(gzip.compress(b" " * 64_000_000, compresslevel=1), JSON, packed=True)
    slowest_s = 0.0

    async def others() -> None:
        nonlocal slowest_s
        while True:
            began = time.monotonic()
            await asyncio.sleep(0)
            slowest_s = max(slowest_s, time.monotonic() - began)

    going_on = asyncio.create_task(others())
    await asyncio.sleep(0)
    began = time.monotonic()
    await translator.unpack(body, 32_000_000)
    took_s = time.monotonic() - began
    going_on.cancel()
    assert body.size == 32_000_001
    assert slowest_s < took_s / 2
    translator.close()


async def test_other_calls_go_on_while_a_large_body_is_parsed() -> None:
    translator = Translator()
    data = json.dumps({f"k{index}": index for index in range(100_000)}).encode()
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    going_on = asyncio.create_task(others())
    await asyncio.sleep(0)
    began = time.monotonic()
    await translator.parse(Body(data, JSON), Struct)
    took_s = time.monotonic() - began
    going_on.cancel()
    assert turns > 5, f"{turns} turns of the loop in {took_s:.1f} s"
    translator.close()
