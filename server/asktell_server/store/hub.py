"""Wakes those who wait for changes of a study: one pub/sub connection for all of them, and no polling.

A notification says only that there is something to read; what changed is read from the log. So nothing depends on
a notification arriving: after each reconnect, and every 30 seconds, all watchers look once more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from asktell_server.store.link import Link
from asktell_server.store.protocol import StudyDelta
from asktell_server.store.tasks import Shield, end_task

_log = logging.getLogger(__name__)

_SAFETY_S = 30.0
_RECONNECT_S = (0.05, 2.0)  # first and longest pause between attempts
_KEEP_OPEN = "asktell:keep-open"  # nobody publishes here: it keeps a connection without watchers subscribed


class Channel:
    """The watchers of one study."""

    def __init__(self) -> None:
        self.watchers = 0
        self.generation = 0
        self._changed = asyncio.Event()
        self._reads: dict[tuple[int, int], asyncio.Task[StudyDelta]] = {}

    def wake(self) -> None:
        """There may be something new."""
        self.generation += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, generation: int) -> None:
        """Returns once there has been a `wake` after `generation`."""
        while self.generation == generation:
            await self._changed.wait()

    async def read(self, after: int, read: Callable[[int], Coroutine[Any, Any, StudyDelta]]) -> StudyDelta:
        """Calls `read(after)`, once for all watchers who want it since the latest `wake`."""
        key = (after, self.generation)
        task = self._reads.get(key)
        if task is None:
            task = self._reads[key] = asyncio.create_task(read(after))
            task.add_done_callback(partial(self._forget, key))
        return await asyncio.shield(task)  # one watcher's end is not the others'

    def _forget(self, key: tuple[int, int], task: asyncio.Task[StudyDelta]) -> None:
        del self._reads[key]
        if not task.cancelled():
            task.exception()  # retrieved: its watchers have it, or are gone


class Hub:
    """Subscribes to the channels that somebody watches, on one connection that it renews when it breaks."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._channels: dict[str, Channel] = {}
        self._pubsub: Any = None
        self._listener: asyncio.Task[None] | None = None
        self._retired: set[asyncio.Task[None]] = set()
        self._subscribing = asyncio.Lock()
        self._shield = Shield()
        self._closed = False

    @property
    def closed(self) -> bool:
        """No more notifications will come."""
        return self._closed

    @asynccontextmanager
    async def channel(self, name: str) -> AsyncIterator[Channel]:
        """The channel of that name, subscribed for as long as the context lasts."""
        if self._closed:
            raise RuntimeError("the ledger is closed")
        channel = self._channels.setdefault(name, Channel())
        channel.watchers += 1
        try:
            if self._listener is None:
                self._start()
            elif channel.watchers == 1:
                await self._shield.run(self._follow(name))
            yield channel
        finally:
            channel.watchers -= 1
            if channel.watchers == 0:
                del self._channels[name]
                await self._shield.run(self._follow(name))

    async def close(self) -> None:
        """Stops listening and wakes all watchers."""
        self._closed = True
        self._retire()
        for task in list(self._retired):
            await end_task(task)
        await self._shield.settle()
        self._wake_all()

    def _start(self) -> None:
        self._listener = asyncio.create_task(self._run(), name="store-notifications")

    def _retire(self) -> None:
        if self._listener is not None:
            self._retired.add(self._listener)
            self._listener.add_done_callback(self._retired.discard)
            self._listener.cancel()
            self._listener = None

    async def _follow(self, name: str) -> None:
        """Subscribes if somebody watches, else unsubscribes; a new connection does so by itself."""
        async with self._subscribing:  # one at a time, each by what holds then: the last one is right
            if self._pubsub is None or self._closed:
                return
            change = self._pubsub.subscribe if name in self._channels else self._pubsub.unsubscribe
            try:
                await change(name)
            except Exception as error:  # noqa: BLE001  not only the driver's own: the connection goes down under it
                _log.debug("cannot change subscriptions, connecting anew: %s", error)
                self._pubsub = None
                self._retire()
                self._start()

    def _wake_all(self) -> None:
        for channel in self._channels.values():
            channel.wake()

    async def _run(self) -> None:
        pause, longest = _RECONNECT_S
        while not self._closed:
            try:
                pubsub: Any = await self._link.pubsub()
                try:
                    await self._subscribe(pubsub)
                    pause = _RECONNECT_S[0]
                    await self._listen(pubsub)
                finally:
                    if self._pubsub is pubsub:
                        self._pubsub = None
                    await pubsub.aclose()
            except Exception as error:  # noqa: BLE001  whatever it is: all watchers depend on this task
                _log.warning("lost the store's change notifications: %s: %s", type(error).__name__, error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)

    async def _subscribe(self, pubsub: Any) -> None:
        async with self._subscribing:
            names = set(self._channels)
            await pubsub.subscribe(_KEEP_OPEN, *names)
            self._pubsub = pubsub
            late = set(self._channels) - names
            if late:
                await pubsub.subscribe(*late)

    async def _listen(self, pubsub: Any) -> None:
        loop = asyncio.get_running_loop()
        safety = loop.time() + _SAFETY_S
        while True:
            message = await pubsub.get_message(timeout=max(0.0, safety - loop.time()))
            if loop.time() >= safety:
                self._wake_all()
                safety = loop.time() + _SAFETY_S
            # The confirmation of a subscription wakes too: what happened before it was not notified.
            if message is not None and message["type"] in ("message", "subscribe"):
                channel = self._channels.get(message["channel"].decode())
                if channel is not None:
                    channel.wake()
