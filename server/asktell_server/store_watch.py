"""Takes a server out of service while its store is away or loses what it is given, and back in afterwards."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from asktell_server.domain.errors import Unavailable
from asktell_server.transport.gate import Gate

log = logging.getLogger(__name__)


class Check:
    """Something to look at every `interval_s`: `look` raises Unavailable while changes must not be taken."""

    def __init__(self, look: Callable[[], Awaitable[None]], *, interval_s: float) -> None:
        self.look = look
        self.interval_s = interval_s
        self.trouble = ""
        """What the latest look found; "" = nothing."""


class StoreWatch:
    """Repeats the checks; the gate and the health of the server follow what they find."""

    def __init__(self, checks: Sequence[Check], gate: Gate, set_serving: Callable[[bool], Awaitable[None]]) -> None:
        self._checks = checks
        self._gate = gate
        self._set_serving = set_serving

    async def run(self) -> None:
        """Runs until it is cancelled; returns at once when there is nothing to check."""
        async with asyncio.TaskGroup() as tasks:
            for check in self._checks:
                tasks.create_task(self._repeat(check))

    async def _repeat(self, check: Check) -> None:
        while True:
            await asyncio.sleep(check.interval_s)
            try:
                await check.look()
            except Unavailable as error:
                if not check.trouble:
                    log.error("out of service: %s", error)  # noqa: TRY400  # the message says it all
                check.trouble = error.message
            else:
                if not check.trouble:
                    continue
                check.trouble = ""
                log.info("what was wrong with the store is over")
            trouble = next((each.trouble for each in self._checks if each.trouble), "")
            if not trouble:
                log.info("back in service")
            self._gate.set_store_trouble(trouble)
            await self._set_serving(not trouble)
