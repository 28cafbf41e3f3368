"""Which metric a question is about."""

from __future__ import annotations

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.goals import Goals


def metric_of(goals: Goals, name: str) -> str:
    """The metric that is asked for; "" = the first objective. Raises InvalidArgument (UNKNOWN_METRIC)."""
    if not name:
        return goals.metrics[0]
    if name not in goals.metrics:
        raise InvalidArgument(
            "metric",
            f"must be an objective or a constrained metric of the study ({', '.join(goals.metrics)}), got {name[:128]!r}",
            reason=ErrorReason.UNKNOWN_METRIC,
            metadata={"metric": name[:128]},
        )
    return name
