"""Ctrl-C and the like, as what a loop looks at between its steps."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any


@contextlib.contextmanager
def collected(*signals: signal.Signals) -> Iterator[list[int]]:
    """Collects signals instead of raising in the midst of a lock; in another thread than the main one none comes."""
    received: list[int] = []

    def take(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    before: dict[signal.Signals, Any] = {}
    try:
        with contextlib.suppress(ValueError):  # not the main thread
            for number in signals:
                before[number] = signal.signal(number, take)
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
