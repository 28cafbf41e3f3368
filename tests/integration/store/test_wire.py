"""One connection for many calls: each gets its own reply, whatever becomes of the others and of the connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, ResponseError  # noqa: A004  the driver's own

from asktell_server.store.wire import Wire
from tests.support.valkey import Server

Wired = Callable[..., AbstractAsyncContextManager[Wire]]


@pytest.fixture
def wired(server: Server) -> Wired:
    """`async with wired() as wire`: a wire to the server that is closed in the end."""

    @asynccontextmanager
    async def open_wire(*, timeout_s: float = 10) -> AsyncIterator[Wire]:
        def connection() -> Connection:
            return Connection(
                host="127.0.0.1", port=server.port, protocol=2, socket_timeout=timeout_s, retry=Retry(NoBackoff(), 0)
            )

        wire = Wire(connection, timeout_s=timeout_s)
        try:
            yield wire
        finally:
            await wire.close()

    return open_wire


async def test_many_calls_share_a_connection_and_each_gets_its_own_reply(server: Server, wired: Wired) -> None:
    async with wired() as wire:
        replies = await asyncio.gather(*(wire.send(("ECHO", str(number))) for number in range(500)))
        assert replies == [str(number).encode() for number in range(500)]
        with server.client() as client:
            assert client.info("clients")["connected_clients"] == 2  # this one included


async def test_a_refusal_is_its_own_call_s_alone(wired: Wired) -> None:
    async with wired() as wire:
        calls = [wire.send(command) for command in (("ECHO", "a"), ("NO-SUCH-COMMAND",), ("GET", "missing"), ("TIME",))]
        first, refused, missing, time = await asyncio.gather(*calls, return_exceptions=True)
        assert first == b"a"
        assert isinstance(refused, ResponseError)
        assert missing is None
        assert isinstance(time, list)


async def test_a_call_that_is_given_up_is_carried_out_and_takes_nobody_s_reply(wired: Wired) -> None:
    async with wired() as wire:
        given_up = [wire.send(("INCR", "key")) for _ in range(10)]
        kept = wire.send(("ECHO", "mine"))
        for call in given_up:
            call.cancel()
        assert await kept == b"mine"
        assert await wire.send(("GET", "key")) == b"10"


async def test_a_script_that_the_server_does_not_have_is_sent_in_full(wired: Wired) -> None:
    async with wired() as wire:
        for _ in range(2):
            command = ("EVALSHA", "0" * 40, 0)
            assert await wire.send(command, without_script=("EVAL", "return 7", 0)) == 7


async def test_what_a_lost_connection_left_unanswered_is_sent_again(server: Server, wired: Wired) -> None:
    async with wired() as wire:
        assert await wire.send(("ECHO", "up")) == b"up"
        calls = [wire.send(("SET", f"key-{number}", "x")) for number in range(100)]
        await asyncio.to_thread(server.kill)
        starting = asyncio.create_task(asyncio.to_thread(server.start))
        results = await asyncio.gather(*calls, return_exceptions=True)
        await starting
        assert all(result == b"OK" or isinstance(result, ConnectionError) for result in results)
        assert await wire.send(("ECHO", "again")) == b"again"


async def test_a_connection_that_ends_while_it_is_idle_is_noticed_by_nobody(server: Server, wired: Wired) -> None:
    async with wired() as wire:
        for _ in range(5):
            assert await wire.send(("ECHO", "x")) == b"x"
            with server.client() as client:
                client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


async def test_a_silent_server_costs_a_bounded_time(server: Server, wired: Wired) -> None:
    async with wired(timeout_s=0.05) as wire:
        assert await wire.send(("ECHO", "x")) == b"x"
        server.freeze()
        try:
            async with asyncio.timeout(5):
                with pytest.raises(ConnectionError):
                    await wire.send(("ECHO", "x"))
        finally:
            server.thaw()
        assert await wire.send(("ECHO", "y")) == b"y"


async def test_closing_waits_for_the_replies(wired: Wired) -> None:
    async with wired() as wire:
        calls = [wire.send(("ECHO", str(number))) for number in range(10)]
    assert [call.result() for call in calls] == [str(number).encode() for number in range(10)]
    with pytest.raises(ConnectionError):
        await wire.send(("ECHO", "late"))
