"""Rules that judge a trial once at each rung."""

from __future__ import annotations

import math
import zlib
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from asktell_server.domain.early_stopping.rule import Others, Reports, Rule

DEFAULT_REDUCTION_FACTOR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Halving(Rule):
    """Asynchronous successive halving (Li et al. 2020, A System for Massively Parallel Hyperparameter Tuning).

    Rungs are at `min_steps`·ηⁿ, η = `reduction_factor`. A trial is judged once at each, by the first report at or beyond it: it
    goes on if it is among the best 1/η of all that have come to the rung by then, itself included (at least one is). The first
    η at a rung go on, whatever they have: with fewer, nothing can be said.
    """

    at_rung: ClassVar[bool] = True

    min_steps: int
    reduction_factor: int = DEFAULT_REDUCTION_FACTOR

    def _judge(self, reports: Reports, others: Others) -> str:
        cost = reports.goal.cost(reports.best)
        for rung in self._rungs(reports):
            bests = others.bests_at(rung)
            count, better = len(bests) + 1, bisect_left(bests, cost)
            kept = max(1, count // self.reduction_factor)
            if count > self.reduction_factor and better >= kept:
                return (
                    f"its best {reports.metric} so far, {reports.best:.6g}, is at place {better + 1} of the {count} trials "
                    f"that came to step {rung}; {kept} of them go on"
                )
        return ""

    def _rungs(self, reports: Reports) -> Iterator[int]:
        """Those that the report is the first to reach."""
        rung = self.min_steps * self.reduction_factor ** self._first_rung(reports.number)
        while rung <= min(reports.step, self._last_step):
            if rung > reports.reached:
                yield rung
            rung *= self.reduction_factor

    @property
    def _last_step(self) -> float:
        """Rungs beyond this step are none."""
        return math.inf

    def _first_rung(self, number: int) -> int:
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SuccessiveHalving(_Halving):
    """Asynchronous successive halving, with rungs for as long as trials go on."""

    kind: ClassVar[str] = "successive_halving"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperband(_Halving):
    """Successive halving in brackets, which begin at different rungs (Li et al. 2018, Hyperband).

    Bracket s, from 0 to ⌊log_η(max_steps/min_steps)⌋, has its first rung at `min_steps`·η^s. Trials compete within their bracket.
    A trial's number says which that is: brackets get trials in the shares in which Hyperband gives them configurations,
    ⌈B·η^(B-1-s)/(B-s)⌉ of B brackets. `max_steps` is how many steps a trial has that is not stopped.
    """

    kind: ClassVar[str] = "hyperband"

    max_steps: int

    @property
    def brackets(self) -> int:
        """How many there are."""
        count, step = 1, self.min_steps * self.reduction_factor
        while step <= self.max_steps:
            count, step = count + 1, step * self.reduction_factor
        return count

    def group(self, number: int) -> int:
        """The trial's bracket."""
        brackets, factor = self.brackets, self.reduction_factor
        shares = [
            math.ceil(brackets * factor ** (brackets - 1 - bracket) / (brackets - bracket))
            for bracket in range(brackets)
        ]
        place = zlib.crc32(str(number).encode()) % sum(shares)  # spread evenly, and the same on every server
        for bracket, share in enumerate(shares):
            place -= share
            if place < 0:
                return bracket
        raise AssertionError("a place lies within the sum of the shares")

    def _first_rung(self, number: int) -> int:
        return self.group(number)

    @property
    def _last_step(self) -> float:
        return self.max_steps - 1  # at its end a trial is not stopped
