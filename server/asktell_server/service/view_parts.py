"""The parts of a view, in which it goes into a snapshot, and which of them have changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from asktell_server.domain.standings import Standing
from asktell_server.domain.trial import Trial
from asktell_server.service.trial_book import Shelf

PART = 1000
"""Numbers of the trials of one part of a view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewPart:
    """What a view knows of the trials with PART consecutive numbers, as plain values.

    Attributes:
        trials: by number, rising.
        ended: numbers of those that have ended, rising; `history`, `surprises` and `standings` are in their order.
        measurements: how many each trial has reported, where it has.
        curves: by trial and metric.
    """

    trials: Mapping[int, Trial | Shelf]
    ended: Sequence[int]
    history: Sequence[Sequence[Any]]
    surprises: Sequence[int]
    standings: Sequence[Standing | None]
    measurements: Mapping[int, int]
    curves: Mapping[int, Mapping[str, tuple[int, bytes, bytes]]]


class PartChanges:
    """Which parts the log has changed, from the position on at which a view was made."""

    def __init__(self, sequence: int) -> None:
        self._complete_at = sequence
        self._changed: dict[int, int] = {}
        """By part, the position of the last change that the log has brought since `_complete_at`."""

    def note(self, number: int, sequence: int) -> None:
        """The log has brought a change of a trial."""
        part = number // PART
        self._changed[part] = max(sequence, self._changed.get(part, 0))

    def after(self, position: int, count: int) -> list[int]:
        """Of the first `count` parts those that the log after this position has changed, or may have before the view was made."""
        return [index for index in range(count) if self._changed.get(index, self._complete_at) > position]


def part_count(newest: int) -> int:
    """How many parts there are up to a trial's number; their indices begin at 0."""
    return newest // PART + 1


def numbers_of(index: int) -> tuple[int, int]:
    """The first and the last number of a part."""
    return index * PART, index * PART + PART - 1
