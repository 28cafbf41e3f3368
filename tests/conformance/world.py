"""What the cases run against: a real server with a token, and fault proxies in front of it."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from asktell.v1 import study_service_pb2_grpc, trial_service_pb2_grpc
from tests.conformance.certificates import Certificates, make_certificates
from tests.conformance.grpc_proxy import GrpcProxy
from tests.conformance.http_proxy import HttpProxy
from tests.conformance.proxy import FaultProxy, LoopThread
from tests.support.ports import free_port
from tests.support.server import ServerProcess

TOKEN = "conformance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """Stubs that talk to the server past every proxy and client."""

    studies: Any
    trials: Any
    metadata: tuple[tuple[str, str], ...] = (("authorization", f"Bearer {TOKEN}"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The server by one protocol: its address, and the proxies for it by the names that cases use."""

    server: str
    dead: str
    proxies: Mapping[str, FaultProxy]

    def address(self, name: str) -> str:
        """The address that a case calls `name`."""
        if name in self.proxies:
            return self.proxies[name].address
        return {"server": self.server, "dead": self.dead}[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Shared by all cases of a run. `doors`: by protocol, `grpc` and `http`."""

    server: ServerProcess
    direct: Direct
    doors: Mapping[str, Door]
    certificates: Certificates

    def calm(self) -> None:
        """Everything serves, nothing goes wrong: how each case finds the world."""
        if self.server.process.poll() is not None:
            self.server.restart()
        for door in self.doors.values():
            for proxy in door.proxies.values():
                proxy.plan.clear()
                proxy.start()


@contextlib.contextmanager
def world(directory: Path) -> Iterator[World]:
    """Starts it all, and ends it."""
    certificates = make_certificates(directory / "certificates")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates.server, certificates.server_key)
    with contextlib.ExitStack() as stack:
        http = f"127.0.0.1:{free_port()}"
        server = stack.enter_context(
            ServerProcess(directory / "server", arguments=["--http", http], environment={"ASKTELL_TOKEN": TOKEN})
        )
        channel = stack.enter_context(grpc.insecure_channel(server.address))
        direct = Direct(
            studies=study_service_pb2_grpc.StudyServiceStub(channel),
            trials=trial_service_pb2_grpc.TrialServiceStub(channel),
        )
        loop = LoopThread()
        stack.callback(loop.close)
        dead = stack.enter_context(_dead_address())
        tls.set_alpn_protocols(["h2", "http/1.1"])
        kinds: dict[str, tuple[str, type[GrpcProxy | HttpProxy]]] = {
            "grpc": (server.address, GrpcProxy),
            "http": (http, HttpProxy),
        }
        doors = {}
        for name, (address, kind) in kinds.items():
            proxies = {
                "proxy": FaultProxy(loop, kind, address),
                "proxy2": FaultProxy(loop, kind, address),
                "tls": FaultProxy(loop, kind, address, tls=tls),
            }
            for proxy in proxies.values():
                stack.callback(proxy.close)
            doors[name] = Door(server=address, dead=dead, proxies=proxies)
        yield World(server=server, direct=direct, doors=doors, certificates=certificates)


@contextlib.contextmanager
def _dead_address() -> Iterator[str]:
    """An address that refuses connections: bound, so that nobody else gets it, and not listening."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{holder.getsockname()[1]}"
