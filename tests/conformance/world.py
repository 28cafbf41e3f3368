"""What the cases run against: a real server with a token, and fault proxies in front of it."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from asktell.v1 import study_service_pb2_grpc, trial_service_pb2_grpc
from tests.conformance.certificates import Certificates, make_certificates
from tests.conformance.faults import FaultPlan
from tests.conformance.proxy import FaultProxy, LoopThread
from tests.support.server import ServerProcess

TOKEN = "conformance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """Stubs that talk to the server past every proxy and client."""

    studies: Any
    trials: Any
    metadata: tuple[tuple[str, str], ...] = (("authorization", f"Bearer {TOKEN}"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Shared by all cases of a run."""

    server: ServerProcess
    direct: Direct
    proxies: dict[str, FaultProxy]
    certificates: Certificates
    loop: LoopThread
    dead: str

    def address(self, name: str) -> str:
        """The address that a case calls `name`."""
        if name == "server":
            return self.server.address
        if name == "dead":
            return self.dead
        return self.proxies[name].address

    def calm(self) -> None:
        """Everything serves, nothing goes wrong: how each case finds the world."""
        if self.server.process.poll() is not None:
            self.server.restart()
        for proxy in self.proxies.values():
            proxy.plan.clear()
            self.start_proxy(proxy)

    def start_proxy(self, proxy: FaultProxy) -> None:
        """Lets it listen again; does nothing while it does."""
        assert proxy.relay is not None
        self.loop.run(proxy.relay.start())

    def stop_proxy(self, proxy: FaultProxy) -> None:
        """Its port refuses connections."""
        assert proxy.relay is not None
        self.loop.run(proxy.relay.stop())


@contextlib.contextmanager
def world(directory: Path) -> Iterator[World]:
    """Starts it all, and ends it."""
    certificates = make_certificates(directory / "certificates")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates.server, certificates.server_key)
    tls.set_alpn_protocols(["h2", "http/1.1"])
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(ServerProcess(directory / "server", environment={"ASKTELL_TOKEN": TOKEN}))
        channel = stack.enter_context(grpc.insecure_channel(server.address))
        loop = LoopThread()
        stack.callback(loop.close)
        plan = FaultPlan()
        proxies = {
            "proxy": FaultProxy(server.address, plan),
            "proxy2": FaultProxy(server.address, FaultPlan()),
            "tls": FaultProxy(server.address, FaultPlan(), tls=tls),
        }
        for proxy in proxies.values():
            loop.run(proxy.start())
            stack.callback(loop.run, proxy.close())
        direct = Direct(
            studies=study_service_pb2_grpc.StudyServiceStub(channel),
            trials=trial_service_pb2_grpc.TrialServiceStub(channel),
        )
        dead = stack.enter_context(_dead_port())
        yield World(server=server, direct=direct, proxies=proxies, certificates=certificates, loop=loop, dead=dead)


@contextlib.contextmanager
def _dead_port() -> Iterator[str]:
    """An address that refuses connections: bound, so that nobody else gets it, and not listening."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{holder.getsockname()[1]}"
