"""What one fit of a model leaves to the next."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmStart:
    """Fitted model hyperparameters (opaque) and the log position they were fitted at."""

    sequence: int
    payload: bytes
