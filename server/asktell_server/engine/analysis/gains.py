"""What further trials are expected to gain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asktell_server.engine.analysis.study_model import StudyModel


@dataclass(frozen=True, slots=True, kw_only=True)
class GainQuestion:
    """Asks for the expected gains of the best value, in the objective's unit, after each of several numbers of further trials.

    `horizons` are these numbers, rising. The study has one objective and at least one feasible result.
    """

    horizons: tuple[int, ...]

    @property
    def size(self) -> int:
        """See Question."""
        return 2 * len(self.horizons)

    def answer(self, model: StudyModel) -> tuple[float, ...]:
        """See Question."""
        from asktell_server.engine.bayes.prospects import expected_gains

        return tuple(expected_gains(model.task, model.modelled, self.horizons))
