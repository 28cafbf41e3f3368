"""Findings about the health of a study."""

from __future__ import annotations

from collections.abc import Mapping

from asktell.v1 import analysis_service_pb2
from asktell_server.service.health.checking import Checkup
from asktell_server.service.health.finding import Finding, HealthKind, Severity

_KINDS: Mapping[HealthKind, analysis_service_pb2.HealthKind.ValueType] = {
    kind: analysis_service_pb2.HealthKind.Value(f"HEALTH_KIND_{kind.value}") for kind in HealthKind
}
_SEVERITIES: Mapping[Severity, analysis_service_pb2.HealthSeverity.ValueType] = {
    severity: analysis_service_pb2.HealthSeverity.Value(f"HEALTH_SEVERITY_{severity.name}") for severity in Severity
}


def health_to(checkup: Checkup) -> analysis_service_pb2.GetHealthResponse:
    """Writes what was found."""
    return analysis_service_pb2.GetHealthResponse(
        findings=map(_finding_to, checkup.findings),
        expected_gains=[
            analysis_service_pb2.ExpectedGain(trials=trials, gain=gain)
            for trials, gain in checkup.expected_gains.items()
        ],
        result_count=checkup.result_count,
    )


def _finding_to(finding: Finding) -> analysis_service_pb2.HealthFinding:
    return analysis_service_pb2.HealthFinding(
        kind=_KINDS[finding.kind],
        severity=_SEVERITIES[finding.severity],
        message=finding.message,
        advice=finding.advice,
        parameters=finding.parameters,
        trials=finding.trials,
        metrics=finding.metrics,
    )
