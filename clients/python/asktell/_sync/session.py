"""What a client and all its handles share: the channel, the heartbeat and the open leases."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from asktell._core.flow import Flow, T
from asktell._core.leases import Lease, release_all
from asktell._core.settings import Settings
from asktell._core.studies import Caller
from asktell._sync.heartbeat import HeartbeatThread
from asktell._sync.transport import FlowRunner, SyncTransport
from asktell.v1 import trial_pb2


class Session:
    """Closed by the client, when nothing holds it any more, or when the program ends: whatever comes first."""

    def __init__(self, settings: Settings, transport: Callable[[Settings], FlowRunner] = SyncTransport) -> None:
        """Opens no connection yet."""
        self.caller = Caller(settings)
        self._make_transport = transport
        self._transport = transport(settings)
        self._heartbeat = HeartbeatThread(self._transport)
        self._leases: weakref.WeakSet[Lease] = weakref.WeakSet()
        self._shut_down = weakref.finalize(self, _shut_down, self._transport, self._heartbeat, self._leases)

    def run(self, flow: Flow[T]) -> T:
        """Carries out a flow."""
        return self._transport.run(flow)

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

    def __reduce__(self) -> tuple[type[Session], tuple[Settings, Callable[[Settings], FlowRunner]]]:
        """In another process a client connects anew; the open trials and their leases stay with this one."""
        return Session, (self.caller.settings, self._make_transport)

    def close(self) -> None:
        """Gives the open trials back, and closes the channel."""
        self._shut_down()


def _shut_down(transport: FlowRunner, heartbeat: HeartbeatThread, leases: weakref.WeakSet[Lease]) -> None:
    if not transport.owned:
        return  # a fork inherits neither the thread nor the right to give trials back
    heartbeat.stop()
    transport.run(release_all(list(leases)))
    transport.close()
