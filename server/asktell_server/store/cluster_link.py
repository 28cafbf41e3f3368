"""A link to a cluster."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import RedisCluster
from redis.asyncio.client import PubSub
from redis.asyncio.cluster import ClusterNode, PipelineCommand
from redis.exceptions import (
    AskError,
    ClusterDownError,
    ConnectionError,  # noqa: A004  the driver's own, wider than the built-in
    NoScriptError,
    TimeoutError,  # noqa: A004
    TryAgainError,
)

from asktell_server.store.link import (
    MAX_CONNECTIONS,
    RETRIES,
    LinkOptions,
    Node,
    acknowledged_reply,
    connection_settings,
    retry_backoff,
    retry_policy,
    tls_settings,
    wait_command,
)
from asktell_server.store.scripts import Script
from asktell_server.store.tasks import Shield
from asktell_server.store.urls import StoreUrl

_MOVING = (AskError, ClusterDownError, ConnectionError, TimeoutError, TryAgainError)  # MovedError is an AskError


class ClusterLink:
    """A cluster; a study's keys are all on one of its masters."""

    def __init__(self, url: StoreUrl, options: LinkOptions) -> None:
        self.name = str(url)
        self._options = options
        self._shield = Shield()
        settings = connection_settings(url, options)
        self._cluster: Any = RedisCluster(
            startup_nodes=[ClusterNode(host, port) for host, port in url.hosts],
            retry=retry_policy(),
            max_connections=MAX_CONNECTIONS + 4,  # a few more for notifications and checks
            **settings,
            **tls_settings(url),
        )
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)  # the driver would fail at its limit instead of waiting

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
        running = self._run(script, keys, arguments, acknowledged=acknowledged)
        return await (self._shield.run(running) if acknowledged else running)

    async def _run(self, script: Script, keys: Sequence[str], arguments: bytes, *, acknowledged: bool) -> Any:
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

    async def run_many(self, script: Script, calls: Sequence[tuple[Sequence[str], bytes]]) -> Sequence[Any]:
        """See Link."""
        commands = [("EVALSHA", script.sha, len(keys), *keys, arguments) for keys, arguments in calls]
        try:
            return await self.read_many(commands)
        except NoScriptError:
            await self._load(script)
            return await self.read_many(commands)

    async def write(self, key: str, *command: Any) -> Any:
        """See Link."""
        return await self._shield.run(self._write(key, command))

    async def _write(self, key: str, command: tuple[Any, ...]) -> Any:
        async with self._slots:
            if self._options.wait_replicas:
                return await self._run_and_wait(key, command)
            return await self._cluster.execute_command(*command)

    async def _load(self, script: Script) -> None:
        for node in (await self.masters()).values():
            await node.execute_command("SCRIPT LOAD", script.text)

    async def _run_and_wait(self, key: str, command: tuple[Any, ...]) -> Any:
        # The driver's cluster pipeline has no place for WAIT, so both commands go to the node of the key directly.
        backoff = retry_backoff()
        for attempt in range(RETRIES + 1):
            if attempt:
                await asyncio.sleep(backoff.compute(attempt))
                await self._cluster.execute_command("EXISTS", key)  # follows a failover or a moved slot
            else:
                await self._cluster.initialize()
            node = self._cluster.get_node_from_key(key)
            commands = [PipelineCommand(0, *command), PipelineCommand(1, *wait_command(self._options))]
            await node.execute_pipeline(commands)
            reply, confirmed = (sent.result for sent in commands)
            if attempt == RETRIES or not isinstance(reply, _MOVING):
                return acknowledged_reply(reply, confirmed, self._options)
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
        await self._shield.settle()
        await self._cluster.aclose()
