"""What a client and all its handles share: the channel, the heartbeat and the open leases."""

from __future__ import annotations

import weakref

from asktell._async.heartbeat import HeartbeatTask
from asktell._async.transport import AsyncTransport
from asktell._core.flow import Flow, T
from asktell._core.leases import Lease, release_all
from asktell._core.settings import Settings
from asktell._core.studies import Caller
from asktell.v1 import trial_pb2


class AsyncSession:
    """Belongs to one event loop, and must be closed in it: nothing can be awaited when an object is dropped."""

    def __init__(self, settings: Settings) -> None:
        """Opens no connection yet."""
        self.caller = Caller(settings)
        self._transport = AsyncTransport(settings)
        self._heartbeat = HeartbeatTask(self._transport)
        self._leases: weakref.WeakSet[Lease] = weakref.WeakSet()
        self._closed = False

    async def run(self, flow: Flow[T]) -> T:
        """Carries out a flow."""
        return await self._transport.run(flow)

    def lease(self, trial: trial_pb2.Trial, taken_at: float) -> Lease:
        """The lease of a trial that has just been handed out, renewed from now on."""
        lease = Lease(trial, taken_at=taken_at)
        self._leases.add(lease)
        self._heartbeat.add(lease)
        return lease

    @property
    def closed(self) -> bool:
        """Nothing can be called any more."""
        return self._transport.closed

    def __reduce__(self) -> tuple[type[AsyncSession], tuple[Settings]]:
        """In another process a client connects anew; the open trials and their leases stay with this one."""
        return AsyncSession, (self.caller.settings,)

    async def close(self) -> None:
        """Gives the open trials back, and closes the channel; a second time it does nothing."""
        if self._closed:
            return
        self._closed = True
        await self._heartbeat.stop()
        await self._transport.run(release_all(list(self._leases)))
        await self._transport.close()
