"""A link to one server, or to the master that Sentinel names."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError

from asktell_server.store.link import (
    MAX_CONNECTIONS,
    LinkOptions,
    Node,
    acknowledged_reply,
    connection_settings,
    retry_policy,
    tls_settings,
    wait_command,
)
from asktell_server.store.scripts import Script
from asktell_server.store.tasks import Shield
from asktell_server.store.urls import StoreUrl, Topology
from asktell_server.store.wire import Wire


class _BlockingSentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """Sentinel's pool with a limit at which callers wait."""


class SingleLink:
    """One server, or the master that Sentinel names."""

    def __init__(self, url: StoreUrl, options: LinkOptions) -> None:
        self.name = str(url)
        self._options = options
        self._shield = Shield()
        self._sentinel: Any = None
        settings = {
            **connection_settings(url, options),
            "db": url.database,
            "max_connections": MAX_CONNECTIONS,
            "timeout": options.socket_timeout_s,
        }
        if url.topology is Topology.SENTINEL:
            timeouts = {key: value for key, value in settings.items() if key.startswith("socket_")}
            make_sentinel: Any = Sentinel
            self._sentinel = make_sentinel(
                url.hosts, sentinel_kwargs={**timeouts, "password": url.sentinel_password, **tls_settings(url)}
            )
        self._client: Any = self._make_client(url, {**settings, "retry": retry_policy()})
        # Of this one nothing is used but how it makes a connection: the wire tries again by itself.
        single: Any = self._make_client(url, {**settings, "retry": Retry(NoBackoff(), 0)})
        self._wire = Wire(single.connection_pool.make_connection, timeout_s=options.socket_timeout_s)

    def _make_client(self, url: StoreUrl, settings: dict[str, Any]) -> Any:
        """A client of the driver; its own types promise less than it does."""
        if self._sentinel is not None:
            return self._sentinel.master_for(url.service, Redis, _BlockingSentinelPool, **settings, **tls_settings(url))
        if url.topology is Topology.UNIX:
            pool = BlockingConnectionPool(connection_class=UnixDomainSocketConnection, path=url.path, **settings)
        else:
            host, port = url.hosts[0]
            tls = {key: value for key, value in tls_settings(url).items() if key != "ssl"}
            kind = SSLConnection if url.tls else Connection
            pool = BlockingConnectionPool(connection_class=kind, host=host, port=port, **settings, **tls)
        return Redis.from_pool(pool)

    async def read(self, *command: Any) -> Any:
        """See Link."""
        return await self._wire.send(command)

    async def read_many(self, commands: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
        """See Link."""
        return await asyncio.gather(*(self._wire.send(command) for command in commands))

    async def run(self, script: Script, keys: Sequence[str], arguments: bytes, *, acknowledged: bool) -> Any:
        """See Link."""
        if acknowledged and self._options.wait_replicas:
            return await self._shield.run(self._run_and_wait(script, (len(keys), *keys, arguments)))
        return await self._send(script, keys, arguments)

    async def run_many(self, script: Script, calls: Sequence[tuple[Sequence[str], bytes]]) -> Sequence[Any]:
        """See Link."""
        return await asyncio.gather(*(self._send(script, keys, arguments) for keys, arguments in calls))

    def _send(self, script: Script, keys: Sequence[str], arguments: bytes) -> asyncio.Future[Any]:
        call = (len(keys), *keys, arguments)
        return self._wire.send(("EVALSHA", script.sha, *call), without_script=("EVAL", script.text, *call))

    async def write(self, key: str, *command: Any) -> Any:
        """See Link."""
        if self._options.wait_replicas:
            return await self._shield.run(self._and_wait(command))
        return await self._wire.send(command)

    async def _run_and_wait(self, script: Script, call: tuple[Any, ...]) -> Any:
        try:
            return await self._and_wait(("EVALSHA", script.sha, *call))
        except NoScriptError:
            return await self._and_wait(("EVAL", script.text, *call))

    async def _and_wait(self, command: tuple[Any, ...]) -> Any:
        async with self._client.pipeline(transaction=False) as pipeline:
            pipeline.execute_command(*command)
            pipeline.execute_command(*wait_command(self._options))
            reply, confirmed = await pipeline.execute(raise_on_error=False)
        return acknowledged_reply(reply, confirmed, self._options)

    async def masters(self) -> Mapping[str, Node]:
        """See Link."""
        return {self.name: self._client}

    async def pubsub(self) -> PubSub:
        """See Link."""
        pubsub: PubSub = self._client.pubsub()
        return pubsub

    async def close(self) -> None:
        """See Link."""
        await self._shield.settle()
        await self._wire.close()
        await self._client.aclose(close_connection_pool=True)
        if self._sentinel is not None:
            await self._sentinel.aclose()
