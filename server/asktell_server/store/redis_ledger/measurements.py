"""What running trials report, and reads of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence

from asktell_server.domain.errors import ErrorReason, ResourceExhausted, trial_not_found
from asktell_server.domain.metrics import Measurement
from asktell_server.domain.names import StudyName
from asktell_server.domain.trial import TrialState
from asktell_server.store.calls import ScriptCalls, remembering
from asktell_server.store.codec import decode_measurement, decode_points, encode_measurement
from asktell_server.store.commits import lease_word
from asktell_server.store.protocol import MAX_MEASUREMENTS, CurvePart, Point, Reported, Request
from asktell_server.store.replies import read_deadline

_PAGE_TRIALS = 500
"""Trials whose curves are looked for in one round trip."""
_PAGE_BYTES = 128 * 1024
"""Bytes of measurements read in one round trip: about 1,500 measurements, which take this server some 10 ms."""


class RedisMeasurements:
    """Implements `protocol.MeasurementStore`."""

    _calls: ScriptCalls

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
        request_id, arguments = remembering(request)
        if request is None and measurement is None:
            arguments["ttl"] = 0  # renewing a lease twice does no harm
        arguments |= {
            "number": number,
            "lease": lease_word(lease_id),
            "lease_ms": round(lease_s * 1000),
            "measurement": None if measurement is None else encode_measurement(measurement),
            "max_measurements": MAX_MEASUREMENTS,
            "stop_reason": stop_reason,
        }
        status, *reply = await self._calls.change("report", name, arguments, request_id)
        if status == b"NO_TRIAL":
            raise trial_not_found(str(name.trial(number)))
        if status == b"LIMIT":
            raise ResourceExhausted(
                f"trial {number} has {MAX_MEASUREMENTS:,} measurements, the most that are kept",
                reason=ErrorReason.LIMIT_EXCEEDED,
                metadata={"limit": str(MAX_MEASUREMENTS), "field": "measurements"},
            )
        valid, deadline_ms, state, finished, kept_reason = reply
        return Reported(
            lease_valid=bool(valid),
            lease_expire_time=read_deadline(deadline_ms),
            trial_state=TrialState(state.decode()),
            study_finished=bool(finished),
            stop_reason=kept_reason.decode(),
        )

    async def read_measurements(self, name: StudyName, number: int, *, first: int, limit: int) -> Sequence[Measurement]:
        """See MeasurementStore."""
        arguments = {"number": number, "first": first, "limit": limit}
        status, *reply = await self._calls.ask("read_measurements", name, arguments)
        if status == b"NO_TRIAL":
            raise trial_not_found(str(name.trial(number)))
        return [decode_measurement(blob) for blob in reply[0]]

    async def read_curves(self, name: StudyName, *, numbers: Sequence[int], most: int) -> AsyncIterator[CurvePart]:
        """See MeasurementStore."""
        done = first = 0
        while True:
            arguments = {
                "numbers": list(numbers[done : done + _PAGE_TRIALS]),
                "most": most,
                "first": first,
                "max_bytes": _PAGE_BYTES,
            }
            _, found, complete, first = await self._calls.ask("read_curves", name, arguments)
            for number, measurements in found:
                yield CurvePart(number=number, points=_points(measurements))
            done += complete
            if done == len(numbers):
                return


def _points(measurements: Sequence[bytes]) -> Mapping[str, Sequence[Point]]:
    points: defaultdict[str, list[Point]] = defaultdict(list)
    for blob in measurements:
        step, values = decode_points(blob)
        for metric, value in values.items():
            points[metric].append((step, value))
    return points
