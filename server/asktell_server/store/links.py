"""Connections to the store, one class per topology behind one small protocol. Errors are the driver's."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.client import PubSub
from redis.asyncio.cluster import ClusterNode, PipelineCommand
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import (
    AskError,
    ClusterDownError,
    ConnectionError,  # noqa: A004  the driver's own, wider than the built-in
    NoScriptError,
    TimeoutError,  # noqa: A004
    TryAgainError,
)

from asktell_server.store.driver import store_unavailable
from asktell_server.store.scripts import Script
from asktell_server.store.urls import StoreUrl, Topology

_RETRIES = 2  # of a command whose connection broke: commits carry request ids, so a second try is never a second change
_HEALTH_CHECK_S = 15.0  # idle connections, above all that of change notifications, may die without a word
_MAX_CONNECTIONS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOptions:
    """Timeouts and acknowledgement of a link.

    `socket_timeout_s`: of one reply, and of a free connection. `wait_replicas`: how many replicas must confirm what a
    script wrote, within `wait_timeout_s`, before its reply counts.
    """

    socket_timeout_s: float = 1.0
    wait_replicas: int = 0
    wait_timeout_s: float = 1.0


class Node(Protocol):
    """One server."""

    async def execute_command(self, *args: Any) -> Any:
        """Runs a command on this server; the driver's parsed reply."""
        ...


class Link(Protocol):
    """What the ledger needs of a connection to the store."""

    async def read(self, *command: Any) -> Any:
        """Runs one command that changes nothing, on the server of its key."""
        ...

    async def read_many(self, commands: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
        """Runs many such commands, on any keys, in few round trips."""
        ...

    async def run(self, script: Script, keys: Sequence[str], arguments: bytes, *, acknowledged: bool) -> Any:
        """Runs a script. If `acknowledged`, the replicas asked for have what it wrote.

        Raises:
            Unavailable: it ran, and too few replicas confirmed in time.
        """
        ...

    async def write(self, key: str, *command: Any) -> Any:
        """Runs one command that changes `key`, acknowledged as in `run`."""
        ...

    async def masters(self) -> Mapping[str, Node]:
        """Every server that takes writes, by address."""
        ...

    async def pubsub(self) -> PubSub:
        """An unsubscribed connection to a server that hears of all changes."""
        ...

    async def close(self) -> None:
        """Closes all connections."""
        ...


def open_link(url: StoreUrl, options: LinkOptions) -> Link:
    """A link to the store at `url`; connects when it is first used."""
    return ClusterLink(url, options) if url.topology is Topology.CLUSTER else SingleLink(url, options)


class _BlockingSentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """Sentinel's pool with a limit at which callers wait."""


class SingleLink:
    """One server, or the master that Sentinel names."""

    def __init__(self, url: StoreUrl, options: LinkOptions) -> None:
        self._name = str(url)
        self._options = options
        self._sentinel: Any = None
        self._client: Any  # the driver's own types promise less than it does
        settings = {
            **_settings(url, options),
            "retry": _retry(),
            "db": url.database,
            "max_connections": _MAX_CONNECTIONS,
            "timeout": options.socket_timeout_s,
        }
        if url.topology is Topology.SENTINEL:
            timeouts = {key: value for key, value in settings.items() if key.startswith("socket_")}
            make_sentinel: Any = Sentinel
            self._sentinel = make_sentinel(
                url.hosts, sentinel_kwargs={**timeouts, "password": url.sentinel_password, **_tls(url)}
            )
            self._client = self._sentinel.master_for(url.service, Redis, _BlockingSentinelPool, **settings, **_tls(url))
            return
        if url.topology is Topology.UNIX:
            pool = BlockingConnectionPool(connection_class=UnixDomainSocketConnection, path=url.path, **settings)
        else:
            host, port = url.hosts[0]
            tls = {key: value for key, value in _tls(url).items() if key != "ssl"}
            kind = SSLConnection if url.tls else Connection
            pool = BlockingConnectionPool(connection_class=kind, host=host, port=port, **settings, **tls)
        self._client = Redis.from_pool(pool)

    async def read(self, *command: Any) -> Any:
        """See Link."""
        return await self._client.execute_command(*command)

    async def read_many(self, commands: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
        """See Link."""
        async with self._client.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            replies: Sequence[Any] = await pipeline.execute()
            return replies

    async def run(self, script: Script, keys: Sequence[str], arguments: bytes, *, acknowledged: bool) -> Any:
        """See Link."""
        command = ("EVALSHA", script.sha, len(keys), *keys, arguments)
        for last in (False, True):
            try:
                if acknowledged and self._options.wait_replicas:
                    return await self._run_and_wait(command)
                return await self._client.execute_command(*command)
            except NoScriptError:
                if last:
                    raise
                await self._client.script_load(script.text)
        return None

    async def write(self, key: str, *command: Any) -> Any:
        """See Link."""
        if self._options.wait_replicas:
            return await self._run_and_wait(command)
        return await self._client.execute_command(*command)

    async def _run_and_wait(self, command: tuple[Any, ...]) -> Any:
        # A pipeline holds one connection, and WAIT answers for the writes of its own connection only.
        async with self._client.pipeline(transaction=False) as pipeline:
            pipeline.execute_command(*command)
            pipeline.execute_command(*_wait_command(self._options))
            reply, confirmed = await pipeline.execute(raise_on_error=False)
        return _acknowledged_reply(reply, confirmed, self._options)

    async def masters(self) -> Mapping[str, Node]:
        """See Link."""
        return {self._name: self._client}

    async def pubsub(self) -> PubSub:
        """See Link."""
        pubsub: PubSub = self._client.pubsub()
        return pubsub

    async def close(self) -> None:
        """See Link."""
        await self._client.aclose(close_connection_pool=True)
        if self._sentinel is not None:
            await self._sentinel.aclose()


class ClusterLink:
    """A cluster; a study's keys are all on one of its masters."""

    def __init__(self, url: StoreUrl, options: LinkOptions) -> None:
        self._options = options
        settings = _settings(url, options)
        self._cluster: Any = RedisCluster(
            startup_nodes=[ClusterNode(host, port) for host, port in url.hosts],
            retry=_retry(),
            max_connections=_MAX_CONNECTIONS + 4,  # beside commands: notifications, checks
            **settings,
            **_tls(url),
        )
        self._slots = asyncio.Semaphore(_MAX_CONNECTIONS)  # the driver would fail at its limit instead of waiting

    async def read(self, *command: Any) -> Any:
        """See Link."""
        async with self._slots:
            return await self._cluster.execute_command(*command)

    async def read_many(self, commands: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
        """See Link."""
        async with self._slots, self._cluster.pipeline() as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            replies: Sequence[Any] = await pipeline.execute()
            return replies

    async def run(self, script: Script, keys: Sequence[str], arguments: bytes, *, acknowledged: bool) -> Any:
        """See Link."""
        command = ("EVALSHA", script.sha, len(keys), *keys, arguments)
        for last in (False, True):
            try:
                async with self._slots:
                    if acknowledged and self._options.wait_replicas:
                        return await self._run_and_wait(keys[0], command)
                    return await self._cluster.execute_command(*command)
            except NoScriptError:
                if last:
                    raise
                await self._load(script)
        return None

    async def write(self, key: str, *command: Any) -> Any:
        """See Link."""
        async with self._slots:
            if self._options.wait_replicas:
                return await self._run_and_wait(key, command)
            return await self._cluster.execute_command(*command)

    async def _load(self, script: Script) -> None:
        for node in (await self.masters()).values():
            await node.execute_command("SCRIPT LOAD", script.text)

    async def _run_and_wait(self, key: str, command: tuple[Any, ...]) -> Any:
        # The driver's cluster pipeline has no place for WAIT, so both commands go to the node of the key directly.
        backoff = _retry_backoff()
        for attempt in range(_RETRIES + 1):
            if attempt:
                await asyncio.sleep(backoff.compute(attempt))
                await self._cluster.execute_command("EXISTS", key)  # follows a failover or a moved slot
            else:
                await self._cluster.initialize()
            node = self._cluster.get_node_from_key(key)
            commands = [PipelineCommand(0, *command), PipelineCommand(1, *_wait_command(self._options))]
            await node.execute_pipeline(commands)
            reply, confirmed = (sent.result for sent in commands)
            if attempt == _RETRIES or not isinstance(reply, _MOVING):
                return _acknowledged_reply(reply, confirmed, self._options)
        return None

    async def masters(self) -> Mapping[str, Node]:
        """See Link."""
        await self._cluster.initialize()
        return {node.name: node for node in self._cluster.get_primaries()}

    async def pubsub(self) -> PubSub:
        """See Link."""
        await self._cluster.execute_command("PING", target_nodes=RedisCluster.DEFAULT_NODE)
        pubsub: PubSub = self._cluster.pubsub(node=random.choice(self._cluster.get_primaries()))
        return pubsub

    async def close(self) -> None:
        """See Link."""
        await self._cluster.aclose()


_MOVING = (AskError, ClusterDownError, ConnectionError, TimeoutError, TryAgainError)  # MovedError is an AskError


def _settings(url: StoreUrl, options: LinkOptions) -> dict[str, Any]:
    reply_s = options.socket_timeout_s + (options.wait_timeout_s if options.wait_replicas else 0.0)
    return {
        "username": url.username,
        "password": url.password,
        "socket_timeout": reply_s,
        "socket_connect_timeout": options.socket_timeout_s,
        "health_check_interval": _HEALTH_CHECK_S,
        "protocol": 2,  # nothing here needs more, and every server and proxy speaks it
    }


def _tls(url: StoreUrl) -> dict[str, Any]:
    return {"ssl": True, "ssl_ca_certs": url.tls_ca} if url.tls else {}


def _retry_backoff() -> ExponentialWithJitterBackoff:
    return ExponentialWithJitterBackoff(base=0.01, cap=0.2)


def _retry() -> Retry:
    return Retry(_retry_backoff(), _RETRIES)


def _wait_command(options: LinkOptions) -> tuple[Any, ...]:
    return ("WAIT", options.wait_replicas, round(options.wait_timeout_s * 1000))


def _acknowledged_reply(reply: Any, confirmed: Any, options: LinkOptions) -> Any:
    for result in (reply, confirmed):
        if isinstance(result, Exception):
            raise result
    if confirmed < options.wait_replicas:
        raise store_unavailable(
            f"the change is not yet on {options.wait_replicas} replicas of the store; try again with the same request id"
        )
    return reply
