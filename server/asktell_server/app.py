"""The composition root: builds everything, starts, drains, stops.

Order of start: store and workers together, then the port, then health says SERVING. Order of stop: health says
NOT_SERVING, new calls are refused, calls in flight end, workers stop, the store closes last.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from asktell_server.domain.names import TrialName
from asktell_server.engine.workers.pool import WorkerPool
from asktell_server.protocols.asktell_v1 import contract as asktell_v1
from asktell_server.service.clock import Clock, utc_now
from asktell_server.service.explaining import Explanation
from asktell_server.service.suggesting import Suggesting
from asktell_server.service.use_cases import UseCases, build_use_cases
from asktell_server.settings import DURABILITY_CHECK_INTERVAL_S, Settings
from asktell_server.starting import Parts, StartError, start_parts
from asktell_server.store.connect import connect
from asktell_server.store.embedded import EmbeddedStoreError, look_into
from asktell_server.store_watch import Check, StoreWatch
from asktell_server.transport.bodies import Translator
from asktell_server.transport.calls import Service
from asktell_server.transport.doors import DoorError, Doors, check_free
from asktell_server.transport.edge import Edge
from asktell_server.transport.gate import Gate
from asktell_server.transport.grpc_server import GrpcServer
from asktell_server.transport.hosts import HostCheck, hosts_of
from asktell_server.transport.http_server import HttpServer
from asktell_server.transport.identity import Identity
from asktell_server.transport.limits import Limits
from asktell_server.transport.routes import application, routes
from asktell_server.transport.tls import Tls, TlsError, read_tls

log = logging.getLogger(__name__)

Protocol = Callable[[Suggesting, UseCases | None, Clock], Sequence[Service]]
"""The services of a protocol; without use cases the server has no store."""


async def serve(settings: Settings, services_of: Protocol = asktell_v1.services, *, clock: Clock = utc_now) -> None:
    """Runs a server until SIGTERM or SIGINT; a second signal ends it at once. `services_of` is the protocol that it speaks.

    Raises:
        StartError: why the server could not start, in words for people.
    """
    stop = _stop_signal()
    tls = _tls(settings)
    try:
        check_free(settings.listen, settings.http)
    except DoorError as error:
        raise StartError(str(error)) from error
    async with contextlib.AsyncExitStack() as stack:
        parts = await start_parts(settings, stack, stop)
        if parts is None:
            log.info("stopped before the server was ready")
            return
        ledger, pool = parts.ledger, parts.pool
        gate = Gate(max_calls=settings.max_calls)
        use_cases = None if ledger is None else build_use_cases(ledger, pool, clock)
        services = services_of(Suggesting(pool), use_cases, clock)
        doors = _doors(settings, services, gate, stack)
        try:
            address = await doors.open(settings.listen, settings.http, tls=tls)
        except DoorError as error:
            raise StartError(str(error)) from error
        watcher = asyncio.create_task(StoreWatch(_checks(parts, settings), gate, doors.set_serving).run())
        await doors.set_serving(True)
        log.info("asktell-server ready on %s", address)
        if settings.ready_file:
            _write_atomically(settings.ready_file, address + "\n")
        await stop.wait()
        log.info("draining %d calls", gate.calls)
        watcher.cancel()
        await doors.announce_stop()
        if not await gate.drain(timeout_s=settings.drain_timeout_s):
            log.warning("calls still in flight after %g s were cut off", settings.drain_timeout_s)
        await doors.close()
        if use_cases:
            await use_cases.close()
        if settings.ready_file:
            settings.ready_file.unlink(missing_ok=True)
    log.info("stopped")


async def rebuild_index(store_url: str, *, password: str | None) -> int:
    """Rebuilds the index of studies of a store; returns how many there are. Raises Unavailable."""
    ledger = await connect(store_url, password=password)
    try:
        return await ledger.rebuild_index()
    finally:
        await ledger.close()


async def explain(
    name: TrialName, *, store_url: str | None, data_dir: Path | None, password: str | None, repeat: bool
) -> Explanation:
    """Explains a trial from a store, or from the embedded one in `data_dir`, whether a server uses it now or not.

    Raises:
        AsktellError: no such trial; the store is away.
        StartError: there is no store, in words for people.
    """
    async with contextlib.AsyncExitStack() as stack:
        try:
            url = await stack.enter_async_context(look_into(data_dir)) if store_url is None else store_url
        except EmbeddedStoreError as error:
            raise StartError(str(error)) from error
        try:
            ledger = await connect(url, password=password, verify_durability=False)  # nothing is written
        except ValueError as error:
            raise StartError(f"--store: {error}") from error
        stack.push_async_callback(ledger.close)
        engine = WorkerPool(workers=1)  # not started: explaining runs the engine in this process
        return await build_use_cases(ledger, engine, utc_now).explaining.explain(name, repeat=repeat)


def _checks(parts: Parts, settings: Settings) -> list[Check]:
    """What is looked at again and again of the store."""
    checks = []
    if parts.ledger is not None:
        checks.append(Check(parts.ledger.check, interval_s=DURABILITY_CHECK_INTERVAL_S))
    if parts.embedded is not None:
        checks.append(Check(parts.embedded.check, interval_s=settings.directory_check_interval_s))
    return checks


def _doors(settings: Settings, services: Sequence[Service], gate: Gate, stack: contextlib.AsyncExitStack) -> Doors:
    """Both doors, with one edge behind them."""
    translator = Translator()
    stack.callback(translator.close)
    edge = Edge(gate, Identity(token=settings.token), translator)
    limits = Limits(connections=settings.max_calls)  # an HTTP connection has one call at a time
    http = None
    if settings.http is not None:
        hosts = hosts_of(settings.http, settings.http_hosts, has_token=settings.token is not None)
        http = HttpServer(
            HostCheck(application(routes(edge, services, is_serving=lambda: gate.is_open)), hosts), limits
        )
    return Doors(GrpcServer(edge, services, limits), http)


def _stop_signal() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT; the second one ends the process as usual."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        stop.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    return stop


def _tls(settings: Settings) -> Tls | None:
    if settings.tls_certificate is None or settings.tls_private_key is None:
        return None
    try:
        return read_tls(settings.tls_certificate, settings.tls_private_key, settings.tls_client_ca)
    except TlsError as error:
        raise StartError(str(error)) from error


def _write_atomically(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)
