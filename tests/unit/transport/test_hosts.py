"""Hosts and origins: what a browser may have been talked into is refused, what people and programs send is not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from click.testing import CliRunner
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from asktell_server.cli import main
from asktell_server.transport.hosts import HostCheck, hosts_of
from asktell_server.transport.routes import application
from tests.support.calls import Exchange, exchange

HERE = "127.0.0.1:8080"
EVERYWHERE = "0.0.0.0:8080"
LOOPBACK = ("localhost", "localhost:8080", "LocalHost:1", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080", "[::1]")
ADDRESSES = ("192.0.2.1:8080", "[2001:db8::1]:8080", "10.0.0.7")
STRANGE = (
    "rebound.example", "rebound.example:8080", "localhost.rebound.example", "127.0.0.1.rebound.example", "", ":8080",
    "localhost:eighty", "[::1",
)  # fmt: skip


async def send(
    host: str | None,
    origin: str | None = None,
    *,
    listen: str = HERE,
    names: Sequence[str] = (),
    has_token: bool = False,
    verb: str = "GET",
) -> Exchange:
    """A request to a door that listens there."""

    async def hello(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    door = HostCheck(application([Route("/", hello)]), hosts_of(listen, names, has_token=has_token))
    given = {"host": host, "origin": origin}
    headers = {key: value for key, value in given.items() if value is not None}
    return await exchange(door, "/", headers=headers, verb=verb)


@pytest.mark.parametrize("host", [*LOOPBACK, *ADDRESSES])
@pytest.mark.parametrize("listen", [HERE, EVERYWHERE])
async def test_loopback_and_addresses_are_taken(host: str, listen: str) -> None:
    assert (await send(host, listen=listen)).body == b"hello"


@pytest.mark.parametrize("host", STRANGE)
@pytest.mark.parametrize(("listen", "has_token"), [(HERE, False), (HERE, True), (EVERYWHERE, False)])
async def test_a_strange_name_is_refused_and_the_flag_named(host: str, listen: str, has_token: bool) -> None:
    answer = await send(host, listen=listen, has_token=has_token)
    assert (answer.status, answer.json["code"]) == (421, "permission_denied")
    assert f"not called {host or 'nothing'}" in answer.json["message"]
    if host.startswith("rebound"):
        assert "--http-host rebound.example" in answer.json["message"]


async def test_given_names_are_taken_and_no_others() -> None:
    for listen, has_token in ((HERE, False), (EVERYWHERE, False), (EVERYWHERE, True)):
        for host, status in (("tuning.example:8080", 200), ("TUNING.example", 200), ("rebound.example", 421)):
            answer = await send(host, listen=listen, names=["Tuning.example"], has_token=has_token)
            assert answer.status == status, (host, listen, has_token)


async def test_beyond_loopback_a_token_is_enough() -> None:
    assert (await send("any.example", listen=EVERYWHERE, has_token=True)).status == 200


async def test_without_a_host_it_is_no_browser() -> None:
    assert (await send(None)).status == 200


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:8080", "http://x.example"]
)
async def test_pages_of_this_machine_and_of_given_names_may_call(origin: str) -> None:
    assert (await send("localhost:8080", origin, names=["x.example"])).status == 200


@pytest.mark.parametrize("origin", ["http://192.0.2.1:8080", "https://192.0.2.1:8080"])
async def test_a_page_of_the_server_itself_may_call(origin: str) -> None:
    assert (await send("192.0.2.1:8080", origin)).status == 200


@pytest.mark.parametrize("has_token", [False, True])
@pytest.mark.parametrize("verb", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "https://evil.example:8080", "null", "", "http://198.51.100.7", "http://192.0.2.1"],
)
async def test_pages_of_others_may_not(origin: str, verb: str, has_token: bool) -> None:
    for listen in (HERE, EVERYWHERE):
        answer = await send("192.0.2.1:8080", origin, verb=verb, listen=listen, has_token=has_token)
        assert (answer.status, answer.json["code"]) == (403, "permission_denied")
        assert f"pages of {origin or 'nowhere'} may not" in answer.json["message"]
        assert ("--http-host evil.example" in answer.json["message"]) is ("evil" in origin)
        assert not {key for key in answer.headers if key.startswith("access-control")}


@pytest.mark.parametrize("name", ["http://x.example", "x.example:8080", "*", ""])
def test_the_flag_takes_names(name: str) -> None:
    result = CliRunner().invoke(main, ["serve", "--http", HERE, "--http-host", name])
    assert (result.exit_code, "--http-host must be a name" in result.output) == (2, True)
    assert "needs --http" in CliRunner().invoke(main, ["serve", "--http-host", "x.example"]).output
