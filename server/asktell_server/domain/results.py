"""Checks of results against their study."""

from __future__ import annotations

from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.metrics import validate_expense, validate_metrics
from asktell_server.domain.study import Study
from asktell_server.domain.trial import Result

MAX_REASON = 4096


def validate_result(study: Study, result: Result, *, field: str = "metrics", reason_field: str = "reason") -> None:
    """Checks a result against the study of its trial.

    Raises:
        InvalidArgument: a metric is unknown or not finite, the cost is negative, a success lacks an objective, the reason is too long.
    """
    validate_metrics(result.metrics, declared=study.declared_metrics, field=field)
    validate_expense(result.metrics, study.goals.cost_metric, field=field)
    study.goals.require(result, field=field)
    validate_reason(result.reason, reason_field)


def validate_reason(reason: str, field: str = "reason") -> None:
    """Raises InvalidArgument when a reason is too long."""
    if len(reason) > MAX_REASON:
        raise InvalidArgument(field, f"must have at most {MAX_REASON} characters, got {len(reason)}")
