"""Bodies: parsed once, written back, and large JSON beside the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import threading
import time

import pytest
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from asktell_server.domain.errors import InvalidArgument
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
            assert isinstance(encoding.parse(data, Struct), Struct)


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"a":' * 100_000, b'{"a": ' + b"9" * 5000 + b"}"])
def test_json_that_is_deep_or_huge_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidArgument):
        JSON.parse(data, Struct)


async def test_small_bodies_stay_in_the_loop_s_thread_and_large_ones_leave_it() -> None:
    threads: list[threading.Thread] = []

    def parse(data: bytes, kind: type[Message]) -> Message:
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
