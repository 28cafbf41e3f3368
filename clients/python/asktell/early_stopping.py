"""When a running trial is told to stop early: by `trial.report`, which returns True, and `trial.should_stop`.

The server decides, once for each trial. A rule compares the best values that trials had reported up to a step; `a | b` stops a
trial when one of both does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from asktell.spec import Goal

__all__ = [
    "AnyStopping",
    "AutoStopping",
    "EarlyStopping",
    "Hyperband",
    "MedianStopping",
    "PatienceStopping",
    "PercentileStopping",
    "StoppingRule",
    "SuccessiveHalving",
    "ThresholdStopping",
    "WilcoxonStopping",
]


class _Joins:
    """What can be joined by `|`."""

    __slots__ = ()

    def __or__(self, other: object) -> AnyStopping:
        """Both: the first that holds stops the trial."""
        if not isinstance(other, _Joins):
            return NotImplemented
        return AnyStopping((*_rules_of(self), *_rules_of(other)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule(_Joins):
    metric: str | None = None
    goal: Goal | None = None
    grace_trials: int = 0


@dataclass(frozen=True, slots=True)
class MedianStopping(_Rule):
    """Stops a trial that is worse than the median of the others at the same step.

    Attributes:
        min_steps: the first step at which a trial may be stopped.
        min_trials: how many others must have reached the step.
        interval_steps: the first report of each so many steps is judged.
        metric: what is judged, where it is not the only objective.
        goal: whether lower or higher is better, for a metric that is only tracked.
        grace_trials: trials with numbers up to this one are never stopped.
    """

    min_steps: int = 0
    min_trials: int = 5
    interval_steps: int = 1


@dataclass(frozen=True, slots=True)
class PercentileStopping(_Rule):
    """Stops a trial that is not among the best `percentile` percent of the others at the same step; else as MedianStopping."""

    percentile: float
    min_steps: int = 0
    min_trials: int = 5
    interval_steps: int = 1


@dataclass(frozen=True, slots=True)
class ThresholdStopping(_Rule):
    """Stops a trial that reports a value above `max` or below `min`, from the step `min_steps` on; else as MedianStopping."""

    max: float | None = None
    min: float | None = None
    min_steps: int = 0
    interval_steps: int = 1


@dataclass(frozen=True, slots=True)
class PatienceStopping(_Rule):
    """Stops a trial that has not bettered its own best value by more than `min_gain` for `patience_steps` steps.

    `min_steps` is the first step at which a trial may be stopped; the others as in MedianStopping.
    """

    patience_steps: int
    min_gain: float = 0.0
    min_steps: int = 0


@dataclass(frozen=True, slots=True)
class SuccessiveHalving(_Rule):
    """Asynchronous successive halving (Li et al. 2020): at each rung one in `reduction_factor` goes on.

    Rungs are at the steps min_steps, min_steps * reduction_factor, and so on. The first `reduction_factor` trials at a rung go
    on in any case.
    """

    min_steps: int = 1
    reduction_factor: int = 3


@dataclass(frozen=True, slots=True)
class Hyperband(_Rule):
    """Successive halving in brackets that begin at later and later rungs (Li et al. 2018): for curves that cross.

    `max_steps` is how many steps a trial has that is not stopped.
    """

    max_steps: int
    min_steps: int = 1
    reduction_factor: int = 3


@dataclass(frozen=True, slots=True)
class AutoStopping(_Rule):
    """Stops a trial whose chance to end better than the best one is below `probability`.

    Its end is forecast from its last value and from how far the trials that succeeded went on from the same step, of which
    there must be `min_trials`, at least 4; else as MedianStopping.
    """

    probability: float = 0.05
    min_steps: int = 0
    min_trials: int = 5
    interval_steps: int = 1


@dataclass(frozen=True, slots=True)
class WilcoxonStopping(_Rule):
    """Stops a trial that is worse than the best one over the steps that both have reported, by Wilcoxon's signed ranks (1945).

    For measurements of one configuration that are repeated, such as folds: each is reported as a step, and their mean is told.
    `p` is the chance of differences as bad as these, were both equally good; below 0.1 it is from four steps on. Else as
    MedianStopping.
    """

    p: float = 0.1
    min_steps: int = 2
    interval_steps: int = 1


StoppingRule: TypeAlias = (
    MedianStopping
    | PercentileStopping
    | ThresholdStopping
    | PatienceStopping
    | SuccessiveHalving
    | Hyperband
    | AutoStopping
    | WilcoxonStopping
)


@dataclass(frozen=True, slots=True)
class AnyStopping(_Joins):
    """Several rules, of which the first that holds stops a trial: `MedianStopping() | ThresholdStopping(max=10)`."""

    rules: tuple[StoppingRule, ...]


EarlyStopping: TypeAlias = StoppingRule | AnyStopping
"""What `early_stopping=` takes."""

RULES: Mapping[str, type[StoppingRule]] = {
    "median": MedianStopping,
    "percentile": PercentileStopping,
    "threshold": ThresholdStopping,
    "patience": PatienceStopping,
    "successive_halving": SuccessiveHalving,
    "hyperband": Hyperband,
    "auto": AutoStopping,
    "wilcoxon": WilcoxonStopping,
}
"""The rules by the names that study files and the command line take."""


def _rules_of(joined: object) -> tuple[StoppingRule, ...]:
    if isinstance(joined, AnyStopping):
        return joined.rules
    assert isinstance(joined, StoppingRule)
    return (joined,)
