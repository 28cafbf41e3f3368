"""What `Study.compare` and `Study.compare_with` answer with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Compared", "Comparison"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One thing on both sides.

    Attributes:
        group: what it is: of trials `parameter`, `metric`, `run` (what it ran with), `annotation`, `label`, `trial`; of studies
            `best` (the best value after so many trials), `best trial`, `parameter`, `setting`, `run`, `annotation`, `label`, `study`.
        name: its name there: a parameter's, a metric's, the key of an annotation.
        left: its value on the left side, of the kind that the study or trial has it in; None = there is none.
        right: the same on the right.
        better: which side is better, `left` or `right`, where one of two values of an objective is; else "".
    """

    group: str
    name: str
    left: Any
    right: Any
    better: str = ""

    @property
    def differs(self) -> bool:
        """The sides are not equal."""
        return type(self.left) is not type(self.right) or bool(self.left != self.right)

    @property
    def change(self) -> float | None:
        """Right minus left, of numbers; None of anything else."""
        sides = (self.left, self.right)
        if any(isinstance(side, bool) or not isinstance(side, int | float) for side in sides):
            return None
        return float(self.right - self.left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two trials of a study, or two studies, side by side.

    Attributes:
        left: the name of one.
        right: the name of the other.
        items: what was compared, group by group.
    """

    left: str
    right: str
    items: tuple[Compared, ...]

    @property
    def differing(self) -> tuple[Compared, ...]:
        """What is not the same on both sides."""
        return tuple(each for each in self.items if each.differs)

    @property
    def same(self) -> tuple[Compared, ...]:
        """What is."""
        return tuple(each for each in self.items if not each.differs)

    def __iter__(self) -> Iterator[Compared]:
        """What differs, then what is the same."""
        return iter((*self.differing, *self.same))

    def __len__(self) -> int:
        """How many things were compared."""
        return len(self.items)
