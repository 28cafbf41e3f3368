"""What all callbacks share: from what a framework has logged to a report, and from the last report to a result."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from asktell._core.values import real, whole
from asktell._sync.runner import stop_or_fail
from asktell._sync.trial import Trial
from asktell.errors import Contention, DeadlineExceeded, Overloaded, Unavailable
from asktell.records import MetricInput

Wanted: TypeAlias = str | Sequence[str] | Mapping[str, str] | None

logger = logging.getLogger("asktell")


@contextmanager
def needed(package: str, extra: str) -> Iterator[None]:
    """Around the import of a framework: says how to install it. What it lacks itself is for it to say."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise ModuleNotFoundError(
            f"asktell.integrations.{extra} needs {package}, which is not installed: pip install 'asktell[{extra}]'",
            name=package,
        ) from None


class Reporter:
    """Reports to one trial what a framework logs, and tells its result at the end.

    Attributes:
        trial: None = this process reports nothing: it is one of several that train together, and not the first.
        latest: the values seen last, by the study's names. `study.optimize` takes them as its function's result.
        stopped: the training has been told to stop.
    """

    def __init__(self, trial: Trial | None, metrics: Wanted = None, *, every: int = 1) -> None:
        """What to report to which trial.

        Args:
            trial: None in all processes but the first, where several train together.
            metrics: the study's metrics to report, where a mapping says what the framework calls them:
                `{"val_loss": "eval_loss"}`. None = each metric of the study that the framework logs under the same name.
            every: reports each so many evaluations.

        Raises:
            TypeError, ValueError: an argument makes no sense.
        """
        super().__init__()
        if trial is not None and not isinstance(trial, Trial):
            raise TypeError(f"trial must come from study.ask() of an asktell.Client, got {type(trial).__name__}")
        self.trial = trial
        self.latest: dict[str, float] = {}
        self.stopped = False
        self._wanted = _mapping(metrics)
        self._every = whole(every, "every")
        if self._every < 1:
            raise ValueError(f"every must be at least 1, got {every}")
        self._evaluations = 0

    def tell(self, metrics: Mapping[str, MetricInput] | None = None, /, **more_metrics: MetricInput) -> None:
        """Tells the result: as stopped if the training was told to stop, else as succeeded.

        The values are those seen last, unless others are given, for example of the best checkpoint. Tells nothing where the
        lease is lost, since another worker has the trial, and nothing in a process without a trial.

        Raises:
            MissingObjective: no value of it was logged, nor given here. What else `Trial.tell` raises.
        """
        trial = self.trial
        if trial is None:
            return
        if not self._evaluations and trial.is_open:
            trial.report()  # a copy in another process may have reported: this asks whether it was told to stop
        if self.called_off:
            logger.warning("trial %d is not told: it is another worker's by now, or was called off", trial.number)
            return
        values = {**self.latest, **(metrics or {}), **more_metrics}
        if self.stopped or trial.should_stop:
            stop_or_fail(trial, values, next(iter(trial.metric_names), "the objective"))
        else:
            trial.tell(values)

    @property
    def called_off(self) -> bool:
        """The trial is no longer this worker's, so that nobody waits for what it trains."""
        return self.trial is not None and self.trial.should_stop and self.trial.lease_lost

    def _should_stop(self) -> bool:
        """Between reports: what the last heartbeat has heard. Costs nothing."""
        self.stopped = self.stopped or (self.trial is not None and self.trial.should_stop)
        return self.stopped

    def _report(self, step: int, logged: Mapping[str, Any]) -> bool:
        """Reports what is wanted of what was logged after `step` epochs or rounds; returns whether to stop.

        Raises:
            ValueError: nothing was logged under a wanted name. NotFinite: a value is NaN or infinite.
        """
        if self.trial is None:
            return False
        self.latest |= self._found(self.trial, logged)
        self._evaluations += 1
        if self._evaluations % self._every or self.called_off:
            return self._should_stop()
        try:
            self.trial.report(self.latest, step=step)
        except (Unavailable, DeadlineExceeded, Overloaded, Contention) as error:
            # A training is worth more than one point of its curve; the result is told, or not, at its end.
            logger.warning("trial %d: step %d was not reported: %s", self.trial.number, step, error)
        return self._should_stop()

    def _has_all(self, logged: Mapping[str, Any]) -> bool:
        """All that is wanted was logged; where names are as they come, any metric of the study."""
        if self._wanted:
            return all(source in logged for source in self._wanted.values())
        return self.trial is not None and any(name in logged for name in self.trial.metric_names)

    def _found(self, trial: Trial, logged: Mapping[str, Any]) -> dict[str, float]:
        """The wanted values by the study's names."""
        wanted = self._wanted or {name: name for name in trial.metric_names if name in logged}
        missing = [source for source in wanted.values() if source not in logged]
        if missing or not wanted:
            names = ", ".join(sorted(logged)) or "nothing"
            lacking = f"{', '.join(missing)} is not" if missing else "none of the study's metrics is"
            first = next(iter(wanted or trial.metric_names), "val_loss")
            raise ValueError(
                f"{lacking} among what was logged ({names}); metrics={{{first!r}: …}} says under which name a metric is logged"
            )
        return {name: real(logged[source], source) for name, source in wanted.items()}


def _mapping(metrics: Wanted) -> dict[str, str]:
    """The framework's names by the study's; {} = as they come."""
    if metrics is None:
        return {}
    names = [metrics] if isinstance(metrics, str) else metrics
    found = dict(names) if isinstance(names, Mapping) else {name: name for name in names}
    given: list[object] = [each for pair in found.items() for each in pair]
    if not given or not all(isinstance(each, str) and each for each in given):
        raise ValueError(f"metrics must name metrics, or map the study's names to the framework's, got {metrics!r}")
    return found
