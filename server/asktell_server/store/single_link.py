"""A link to one server, or to the master that Sentinel names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
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
from asktell_server.store.urls import StoreUrl, Topology


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
            **connection_settings(url, options),
            "retry": retry_policy(),
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
            self._client = self._sentinel.master_for(
                url.service, Redis, _BlockingSentinelPool, **settings, **tls_settings(url)
            )
            return
        if url.topology is Topology.UNIX:
            pool = BlockingConnectionPool(connection_class=UnixDomainSocketConnection, path=url.path, **settings)
        else:
            host, port = url.hosts[0]
            tls = {key: value for key, value in tls_settings(url).items() if key != "ssl"}
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
        async with self._client.pipeline(transaction=False) as pipeline:
            pipeline.execute_command(*command)
            pipeline.execute_command(*wait_command(self._options))
            reply, confirmed = await pipeline.execute(raise_on_error=False)
        return acknowledged_reply(reply, confirmed, self._options)

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
