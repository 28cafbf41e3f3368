"""A fault proxy: a relay whose connections can be reset, and behind it one that knows the protocol."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from tests.conformance.faults import FaultPlan
from tests.conformance.grpc_proxy import GrpcProxy
from tests.conformance.http_proxy import HttpProxy
from tests.conformance.relay import Relay

T = TypeVar("T")


class LoopThread:
    """An event loop in a thread of its own, for the proxies beside the runner's blocking calls."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine there and waits for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=60)

    def close(self) -> None:
        """Ends the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class FaultProxy:
    """Stands before a server; its methods may be called from any thread but the loop's."""

    def __init__(
        self,
        loop: LoopThread,
        kind: type[GrpcProxy | HttpProxy],
        target: str,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Begins to listen. `tls`: clients have to encrypt."""
        self.plan = FaultPlan()
        self._loop = loop
        self._proxy = kind(target, self.plan, self._reset)
        self._relay = Relay(("127.0.0.1", loop.run(self._proxy.start())), tls=tls)
        self.start()

    @property
    def address(self) -> str:
        """Where clients connect, the same after `stop` and `start`."""
        return self._relay.address

    def start(self) -> None:
        """Listens again; does nothing while it does."""
        self._loop.run(self._relay.start())

    def stop(self) -> None:
        """Refuses connections, and resets those that are open."""
        self._loop.run(self._relay.stop())

    def close(self) -> None:
        """Ends everything."""
        self.stop()
        self._loop.run(self._proxy.close())

    def _reset(self) -> None:
        self._relay.reset()
