"""How often work of the loop lets others have a turn: counted, since no time on a busy machine says it."""

from __future__ import annotations

import types
from collections.abc import Coroutine, Generator
from typing import Any


@types.coroutine
def turns_of(work: Coroutine[Any, Any, object]) -> Generator[Any, None, int]:
    """Does the work, and returns how often it gave the loop away of itself: by `asyncio.sleep(0)`, not to wait."""
    turns = 0
    while True:
        try:
            waited_for = work.send(None)
        except StopIteration:
            return turns
        turns += waited_for is None
        yield waited_for
