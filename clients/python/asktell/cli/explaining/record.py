"""An explanation as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

from asktell.analysis import Health
from asktell.cli.explaining.gathering import Absent, Explanation, OfMetric, Part, Recommended
from asktell.cli.output import trial_record

T = TypeVar("T")


def explanation_record(found: Explanation) -> dict[str, Any]:
    """All of it. A part that is not there is `{"absent": "needs 3 results, there are 2"}`."""
    study = found.study
    return {
        "name": study.name,
        "state": study.state.value,
        "trial_counts": dataclasses.asdict(study.counts),
        "best": [trial_record(trial, found.best) for trial in found.front],
        "recommended": _part(found.recommended, lambda each: _recommended(found, each)),
        "metrics": {metric: _of_metric(each) for metric, each in found.metrics.items()},
        "trade_offs": _part(found.trade_offs, lambda each: [dataclasses.asdict(one) for one in each]),
        "health": _part(found.health, health_record),
    }


def health_record(health: Health) -> dict[str, Any]:
    """Findings, and what is expected to be gained."""
    return dataclasses.asdict(health)


def _recommended(found: Explanation, recommended: Recommended) -> dict[str, Any]:
    return {
        "trial": trial_record(recommended.trial, found.best),
        "by_model": recommended.by_model is not None,
        "expected": _part(recommended.expected, dataclasses.asdict),
    }


def _of_metric(found: OfMetric) -> dict[str, Any]:
    return {
        "importances": _part(found.importances, lambda each: [dataclasses.asdict(one) for one in each.values()]),
        "interactions": _part(found.interactions, lambda each: [dataclasses.asdict(one) for one in each]),
        "cross_validation": _part(found.cross_validation, dataclasses.asdict),
    }


def _part(part: Part[T], record: Callable[[T], Any]) -> Any:
    return {"absent": part.reason} if isinstance(part, Absent) else record(part)
