"""What running trials report, and reads of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence

from asktell_server.domain.errors import ErrorReason, ResourceExhausted, trial_not_found
from asktell_server.domain.metrics import Measurement
from asktell_server.domain.names import StudyName
from asktell_server.domain.study import StudyState
from asktell_server.domain.trial import TrialState
from asktell_server.store.memory.state import MemoryState
from asktell_server.store.protocol import (
    MAX_MEASUREMENTS,
    CurvePart,
    MeasurementReported,
    Point,
    Reported,
    Request,
)


class MemoryMeasurements(MemoryState):
    """Implements `protocol.MeasurementStore`."""

    async def report(
        self,
        name: StudyName,
        number: int,
        *,
        lease_id: str,
        lease_s: float,
        measurement: Measurement | None,
        request: Request | None,
        stop_reason: str = "",
    ) -> Reported:
        """See MeasurementStore."""
        stored = self._stored(name)
        memory = self._remembered_of(stored, request, "report")
        trial = stored.trials.get(number)
        if trial is None:
            raise trial_not_found(str(name.trial(number)))
        valid = trial.state is TrialState.RUNNING and trial.lease_id == lease_id
        if valid:
            measurements = stored.measurements.setdefault(number, [])
            if measurement is not None and memory is None:
                if len(measurements) >= MAX_MEASUREMENTS:
                    raise ResourceExhausted(
                        f"trial {number} has {MAX_MEASUREMENTS:,} measurements, the most that are kept",
                        reason=ErrorReason.LIMIT_EXCEEDED,
                        metadata={"limit": str(MAX_MEASUREMENTS), "field": "measurements"},
                    )
                measurements.append(measurement)
                if stop_reason:
                    stored.stop_reasons.setdefault(number, stop_reason)
                index = len(measurements) - 1
                stored.append(MeasurementReported(number=number, index=index, measurement=measurement))
            stored.lease(number, lease_s, self._clock())
            self._remember(stored, request, "report", versions=(trial,))
        return Reported(
            lease_valid=valid,
            lease_expire_time=stored.leases.get(number) if valid else None,
            trial_state=trial.state,
            study_finished=stored.study.state is StudyState.FINISHED,
            stop_reason=stored.stop_reasons.get(number, ""),
        )

    async def read_measurements(self, name: StudyName, number: int, *, first: int, limit: int) -> Sequence[Measurement]:
        """See MeasurementStore."""
        stored = self._stored(name)
        if number not in stored.trials:
            raise trial_not_found(str(name.trial(number)))
        return stored.measurements.get(number, [])[first : first + limit]

    async def read_curves(self, name: StudyName, *, numbers: Sequence[int], most: int) -> AsyncIterator[CurvePart]:
        """See MeasurementStore."""
        stored = self._stored(name)
        parts = []
        for number in numbers:
            points: defaultdict[str, list[Point]] = defaultdict(list)
            for measurement in _spread(stored.measurements.get(number, ()), most):
                for metric, reported in measurement.metrics.items():
                    points[metric].append((measurement.step, reported.value))
            if points:
                parts.append(CurvePart(number=number, points=points))
        for part in parts:
            yield part


def _spread(measurements: Sequence[Measurement], most: int) -> Sequence[Measurement]:
    """At most `most` of them: the first, the last and others spread evenly, as `read_curves.lua` chooses them."""
    count = len(measurements)
    if count <= most:
        return measurements
    width = (count - 2) / (most - 2) if most > 2 else 0
    chosen = [0]
    for place in range(1, most - 1):
        low, high = int(1 + (place - 1) * width), int(1 + place * width)
        chosen.append(low + int(place * 0.6180339887498949 % 1 * (high - low)))
    return [measurements[index] for index in (*chosen, count - 1)]
