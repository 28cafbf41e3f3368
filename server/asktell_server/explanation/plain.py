"""An explanation as plain values, for programs."""

from __future__ import annotations

from typing import Any

from asktell_server.domain.provenance import Fit
from asktell_server.service.explaining import Explanation, Knowledge, Repetition


def as_json(explanation: Explanation) -> dict[str, Any]:
    """The explanation as plain values; what is not known is null."""
    trial, prediction, provenance = explanation.trial, explanation.trial.prediction, explanation.trial.provenance
    goals = explanation.study.goals
    models = {
        name: _model_json(explanation, name, fit)
        for name, fit in zip(goals.metrics, provenance.fits if provenance else (), strict=False)
    }
    return {
        "name": str(explanation.name),
        "state": trial.state.value,
        "parameters": dict(trial.parameters),
        "origin": trial.origin.value,
        "result": {name: metric.value for name, metric in trial.metrics.items()},
        # Where there is room for one metric it is the first objective.
        "deviations": next(iter(explanation.deviations.values()), None),
        "prediction": prediction
        and {
            "mean": prediction.first_belief.mean,
            "standard_deviation": prediction.first_belief.standard_deviation,
            "log_expected_improvement": prediction.acquisition_value,
            "beliefs": {
                name: {"mean": belief.mean, "standard_deviation": belief.standard_deviation}
                for name in goals.metrics
                if (belief := prediction.belief(name))
            },
        },
        "deviations_by_metric": dict(explanation.deviations),
        "model": next(iter(models.values()), None),
        "models": models,
        "provenance": provenance
        and {
            "engine": provenance.engine,
            "count": provenance.count,
            "index": provenance.index,
            "warm_start": provenance.warm_start.hex(),
            "fallback_reason": provenance.fallback_reason,
            "prepared": provenance.prepared,
            "informed": provenance.informed,
            "cost_exponent": provenance.cost_exponent,
            "fixed": dict(provenance.fixed),
            "prepared_beside": [list(key) for key in provenance.prepared_pending],
        },
        "knowledge": _knowledge_json(explanation.knowledge),
        "repetition": _repetition_json(explanation, explanation.repetition),
    }


def _model_json(explanation: Explanation, metric: str, fit: Fit) -> dict[str, Any]:
    weights = dict(zip(("numbers", "categories", "both"), fit.weights, strict=True)) if fit.weights else None
    return {
        "noise_variance": fit.noise,
        "length_scales": dict(zip(explanation.study.space.names, fit.length_scales, strict=True)),
        "kernel_weights": weights,
        "noise_standard_deviation": explanation.knowledge and explanation.knowledge.noise.get(metric),
    }


def _knowledge_json(knowledge: Knowledge | None) -> dict[str, Any] | None:
    if knowledge is None:
        return None
    return {
        "sequence": knowledge.sequence,
        "exact": knowledge.exact,
        "results": knowledge.values,
        "failures": knowledge.failures,
        "pending": knowledge.pending,
        "best_trial": next((trial.number for trial in knowledge.best.trials), None),
        "created": knowledge.created,
        "results_missed": knowledge.missed,
    }


def _repetition_json(explanation: Explanation, repetition: Repetition | None) -> dict[str, Any] | None:
    if repetition is None:
        return None
    return {
        "reproduced": repetition.repeats(explanation.trial),
        "differences": [
            {"field": name, "then": before, "now": now}
            for name, before, now in repetition.differences(explanation.trial)
        ],
        "fallback_reason": repetition.fallback_reason,
    }
