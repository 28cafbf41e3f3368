"""What is started before the port is opened: the store, and the workers that compute with models."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from asktell_server.domain.errors import Unavailable
from asktell_server.engine.workers.pool import WorkerPool
from asktell_server.engine.workers.process import WorkerError
from asktell_server.settings import SUGGEST_TIMEOUT_S, Settings
from asktell_server.store.connect import connect
from asktell_server.store.embedded import EmbeddedStore, EmbeddedStoreError
from asktell_server.store.protocol import Ledger
from asktell_server.store.tasks import raise_if_cancelled

log = logging.getLogger(__name__)


class StartError(Exception):
    """Why a server could not start, in words for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is started before the port is opened. Without a store there is no ledger; `embedded` is one of our own."""

    pool: WorkerPool
    ledger: Ledger | None = None
    embedded: EmbeddedStore | None = None


async def start_parts(settings: Settings, stack: contextlib.AsyncExitStack, stop: asyncio.Event) -> Parts | None:
    """Starts store and workers side by side; the stack stops them in the right order. None when `stop` was set before.

    Raises:
        StartError: one of them does not start.
    """
    starting = asyncio.create_task(_start(settings, stack))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        return None if stop.is_set() else starting.result()
    finally:
        for task in (starting, stopping):
            task.cancel()
        await asyncio.gather(starting, stopping, return_exceptions=True)


async def _start(settings: Settings, stack: contextlib.AsyncExitStack) -> Parts:
    pool = WorkerPool(workers=settings.workers, timeout_s=SUGGEST_TIMEOUT_S)
    warming = asyncio.create_task(pool.start())
    try:
        parts = Parts(pool=pool)
        if not settings.stateless:
            parts = await stack.enter_async_context(_open_store(settings, pool))
        raise_if_cancelled()
    except BaseException:
        warming.cancel()
        await asyncio.gather(warming, return_exceptions=True)
        await pool.stop()
        raise
    stack.push_async_callback(pool.stop)
    try:
        await warming
    except WorkerError as error:
        raise StartError(f"the model's worker processes do not start: {error}") from error
    return parts


@contextlib.asynccontextmanager
async def _open_store(settings: Settings, pool: WorkerPool) -> AsyncIterator[Parts]:
    async with contextlib.AsyncExitStack() as stack:
        url, embedded = settings.store_url, None
        if url is None:
            try:
                embedded = await stack.enter_async_context(EmbeddedStore(settings.data_dir))
            except EmbeddedStoreError as error:
                raise StartError(str(error)) from error
            url = embedded.url
        if not settings.verify_durability:
            log.warning("NOT VERIFYING DURABILITY (--unverified-durability): acknowledged results may be lost")
        try:
            ledger = await connect(
                url,
                password=settings.store_password,
                wait_replicas=settings.wait_replicas,
                verify_durability=settings.verify_durability,
            )
        except ValueError as error:
            raise StartError(f"--store: {error}") from error
        except Unavailable as error:
            raise StartError(f"cannot use the store: {error}") from error
        stack.push_async_callback(ledger.close)
        yield Parts(pool=pool, ledger=ledger, embedded=embedded)
