"""Why a change was refused because somebody else's came first."""

from __future__ import annotations

import enum

from asktell_server.domain.trial import Trial


class ConflictKind(enum.Enum):
    """Why nothing was written."""

    TRIAL_CHANGED = enum.auto()
    """A trial's revision moved, or it is gone; `current` holds it (None = gone)."""
    LEASE_RENEWED = enum.auto()
    """`only_if_lapsed` failed: the worker came back."""
    STUDY_CHANGED = enum.auto()
    """`guard.epoch`, `guard.study_revision` or the expected revision of `update_study` failed."""
    DUPLICATE = enum.auto()
    """`only_if_unique` failed."""
    TOO_MANY_RUNNING = enum.auto()
    """`guard.max_running` failed."""
    BUDGET_SPENT = enum.auto()
    """`guard.max_charged` failed."""
    SOMETHING_WAITS = enum.auto()
    """`guard.nothing_waits` failed."""
    READY_GONE = enum.auto()
    """A prepared suggestion has been used, dropped, or is too stale."""


class Conflict(Exception):
    """Somebody else was faster; nothing was written. The caller reads again and decides anew.

    Never reaches a client: services retry, and give up with Aborted (CONTENTION).
    """

    def __init__(self, kind: ConflictKind, *, index: int | None = None, current: Trial | None = None) -> None:
        super().__init__(kind.name)
        self.kind = kind
        self.index = index
        self.current = current
