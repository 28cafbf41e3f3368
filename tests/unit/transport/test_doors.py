"""Both ports: opened together, with TLS where there are files for it, and refused in words."""

from __future__ import annotations

import asyncio
import re
import ssl
import urllib.request
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from asktell_server.cli import main
from asktell_server.transport.doors import DoorError, Doors
from asktell_server.transport.gate import Gate
from asktell_server.transport.grpc_server import GrpcServer
from asktell_server.transport.health_probe import probe
from asktell_server.transport.http_server import HttpServer
from asktell_server.transport.routes import application, routes
from asktell_server.transport.tls import read_tls
from tests.support.calls import edge_of, method, service
from tests.support.certificates import self_signed
from tests.support.ports import free_port
from tests.toolchains import require


async def _nothing(request: object, _call: object) -> object:
    return request


def _doors() -> Doors:
    gate = Gate(max_calls=1)
    edge, services = edge_of(gate), [service(method(_nothing))]
    http = HttpServer(application(routes(edge, services, is_serving=lambda: gate.is_open)))
    return Doors(GrpcServer(edge, services), http)


@pytest.fixture
async def doors() -> AsyncIterator[Doors]:
    """Both doors, still closed."""
    doors = _doors()
    yield doors
    await doors.close()


def _get(url: str, context: ssl.SSLContext | None = None) -> bytes:
    with urllib.request.urlopen(url, timeout=30, context=context) as answer:
        body: bytes = answer.read()
        return body


async def test_both_open_and_health_follows(doors: Doors, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    address = await doors.open("127.0.0.1:0", "127.0.0.1:0", tls=None)
    assert re.fullmatch(r"127\.0\.0\.1:[1-9][0-9]*", address)
    assert await asyncio.to_thread(probe, address, timeout_s=30) == "NOT_SERVING"
    await doors.set_serving(True)
    assert await asyncio.to_thread(probe, address, timeout_s=30) == "SERVING"
    (http_address,) = re.findall(r"HTTP/JSON on (\S+)", caplog.text)
    assert await asyncio.to_thread(_get, f"http://{http_address}/healthz") == b"SERVING\n"
    await doors.announce_stop()
    assert await asyncio.to_thread(probe, address, timeout_s=30) == "NOT_SERVING"


async def test_an_address_that_is_taken_is_named(doors: Doors) -> None:
    listen, http = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    await doors.open(listen, http, tls=None)
    for again, other in ((listen, "127.0.0.1:0"), ("127.0.0.1:0", http)):
        second = _doors()
        with pytest.raises(DoorError) as caught:
            await second.open(again, other, tls=None)
        taken = again if again == listen else other
        assert str(caught.value).startswith(f"cannot listen on {taken}: ")
        await second.close()


async def test_where_one_cannot_be_opened_the_other_is_closed_again(doors: Doors) -> None:
    http = f"127.0.0.1:{free_port()}"
    await doors.open("127.0.0.1:0", http, tls=None)
    listen = f"127.0.0.1:{free_port()}"
    with pytest.raises(DoorError):
        await _doors().open(listen, http, tls=None)
    assert (await asyncio.to_thread(probe, listen, timeout_s=30)).startswith("UNREACHABLE")


async def test_one_pair_of_files_serves_both(doors: Doors, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    require("openssl")
    self_signed(tmp_path)
    caplog.set_level("INFO")
    address = await doors.open("127.0.0.1:0", "127.0.0.1:0", tls=read_tls(tmp_path / "cert.pem", tmp_path / "key.pem"))
    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    trusting.check_hostname = False  # it is for localhost
    (http_address,) = re.findall(r"HTTP/JSON on (\S+)", caplog.text)
    assert await asyncio.to_thread(_get, f"https://{http_address}/healthz", trusting) == b"SERVING\n"
    certificate = (tmp_path / "cert.pem").read_text()
    host, _, port = address.rpartition(":")
    assert await asyncio.to_thread(ssl.get_server_certificate, (host, int(port))) == certificate


async def test_with_an_authority_for_callers_both_want_a_certificate_of_it(
    doors: Doors, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    require("openssl")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    stranger, stranger_key = tmp_path / "stranger.pem", tmp_path / "stranger.key"
    self_signed(tmp_path)
    self_signed(tmp_path, certificate="stranger.pem", key="stranger.key")
    caplog.set_level("INFO")
    address = await doors.open("localhost:0", "127.0.0.1:0", tls=read_tls(certificate, key, certificate))
    await doors.set_serving(True)
    (http_address,) = re.findall(r"HTTP/JSON on 127.0.0.1(\S+)", caplog.text)
    for own, own_key, taken in ((certificate, key, True), (stranger, stranger_key, False), (None, None, False)):
        asked = partial(probe, address, timeout_s=10, tls_ca=certificate, certificate=own, private_key=own_key)
        assert ((await asyncio.to_thread(asked)) == "SERVING") is taken
        context = ssl.create_default_context(cafile=str(certificate))
        if own is not None:
            context.load_cert_chain(own, own_key)
        try:
            answered = await asyncio.to_thread(_get, f"https://localhost{http_address}/healthz", context) != b""
        except OSError:  # urllib's error, or the server's alert as it reads the answer
            answered = False
        assert answered is taken
    with caplog.at_level("CRITICAL"):  # grpc and uvicorn may complain about the strangers
        await doors.announce_stop()


async def test_the_command_asks_a_server_that_wants_certificates(doors: Doors, tmp_path: Path) -> None:
    require("openssl")
    self_signed(tmp_path)
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    address = await doors.open("localhost:0", None, tls=read_tls(certificate, key, certificate))
    await doors.set_serving(True)
    files = {"ASKTELL_TLS_CA": str(certificate), "ASKTELL_TLS_CERT": str(certificate), "ASKTELL_TLS_KEY": str(key)}
    invoke = partial(CliRunner().invoke, main, ["health", address])
    assert (await asyncio.to_thread(invoke, env=files)).output == "SERVING\n"
    without = await asyncio.to_thread(invoke, env={"ASKTELL_TLS_CA": str(certificate)})
    assert (without.exit_code, without.output.startswith("UNREACHABLE")) == (1, True)
