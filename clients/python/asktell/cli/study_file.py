"""A study as a study file: what `asktell study show --yaml` prints."""

from __future__ import annotations

import dataclasses
import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_never

from asktell._core.study_view import StudyView
from asktell._sync.client import Client
from asktell.cli.early_stopping_words import as_keys
from asktell.spaces import Bool, Categorical, Derived, Discrete, Domain, Fidelity, Float, Int, NormalPrior, WeightsPrior
from asktell.spec import Algorithm, Bayesian, Grid, Objective, OutcomeConstraint, Split

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*\Z")
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
_OF_THE_SERVER = {
    *("name", "state", "finish_reason", "trial_counts", "warnings", "create_time", "update_time", "finish_time"),
    *("etag", "cursor", "configuration_count", "hypervolume", "total_cost"),
    *("reopenings", "data_epoch"),
}


def study_file(study: StudyView) -> str:
    """The text of a study file that creates the same study; defaults are written out, whatever they may become."""
    parts: dict[str, Any] = {
        "name": study.id,
        "display_name": study.display_name,
        "objectives": [_objective(each) for each in study.objectives],
        "outcome_constraints": [_constraint(each) for each in study.outcome_constraints],
        "metrics": [{"metric": each.name, "split": Split(each.split).value} for each in study.metrics],
        "cost": study.cost,
        "parameters": {name: _domain(domain) for name, domain in study.space.items()},
        "parameter_constraints": study.parameter_constraints,
        "algorithm": _algorithm(study.algorithm),
        "stopping": _set(
            {
                "max_trials": study.max_trials,
                "target": study.target,
                "patience": study.patience,
                "deadline": None if study.deadline is None else study.deadline.isoformat(),
                "min_expected_gain": study.min_expected_gain,
            }
        ),
        "early_stopping": as_keys(study.early_stopping),
        "lease": {"duration_s": study.lease_s, "max_attempts": study.max_attempts},
        "max_running": study.max_running,
        "replicates": study.replicates,
        "max_staleness": study.max_staleness,
        "baseline_trial": study.baseline_trial,
        "parents": study.parents or None,
        "seed": study.seed,
        "labels": study.labels,
        "annotations": study.annotations,
        "note": study.note,
    }
    lines: list[str] = []
    for key, value in parts.items():
        if key in {"objectives", "outcome_constraints", "metrics", "parameter_constraints", "early_stopping"}:
            lines += [f"{key}:", *(f"  - {_yaml(each)}" for each in value)] if value else []
        elif key in {"parameters", "labels", "annotations"}:
            lines += [f"{key}:", *(f"  {_yaml(name)}: {_yaml(each)}" for name, each in value.items())] if value else []
        elif value not in (None, "", {}):
            lines.append(f"{key}: {_yaml(value)}")
    return "\n".join(lines) + "\n"


def not_said(client: Client, study: StudyView, text: str) -> list[str]:
    """The settings of the study that the file does not carry, as the server reads it."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "study.yaml"
        file.write_text(text, encoding="utf-8")
        read = client.check_study_file(file)
    return [
        field.name
        for field in study.message.DESCRIPTOR.fields
        if field.name not in _OF_THE_SERVER and getattr(read.message, field.name) != getattr(study.message, field.name)
    ]


def _objective(objective: Objective) -> dict[str, Any]:
    said = {"metric": objective.metric, "goal": objective.goal.value, "split": objective.split.value}
    return _set({**said, "reference": objective.reference})


def _constraint(constraint: OutcomeConstraint) -> dict[str, Any]:
    said = {"metric": constraint.metric, "max": constraint.max, "min": constraint.min}
    of_baseline = {"of_baseline": True} if constraint.of_baseline else {}
    return _set({**said, **of_baseline, "split": Split(constraint.split).value})


def _domain(domain: Domain | Derived) -> dict[str, Any]:
    said: dict[str, Any]
    match domain:
        case Float():
            scale = "log" if domain.log else "reverse_log" if domain.reverse_log else "linear"
            said = {"type": "float", "min": domain.min, "max": domain.max, "scale": scale, "step": domain.step}
        case Int():
            scale = "log" if domain.log else "linear"
            said = {"type": "int", "min": domain.min, "max": domain.max, "scale": scale, "step": domain.step or 1}
        case Discrete():
            said = {"type": "discrete", "values": list(domain.values)}
        case Categorical():
            said = {"type": "categorical", "values": list(domain.values)}
        case Bool():
            said = {"type": "bool"}
        case Derived():
            return {"derived": domain.expression}
        case _:
            assert_never(domain)
    match domain.prior:
        case NormalPrior() as prior:
            said["prior"] = dataclasses.asdict(prior)
        case WeightsPrior(weights=weights):
            said["prior"] = {"weights": list(weights)}
    if isinstance(domain, Float | Int | Discrete) and isinstance(domain.fidelity, Fidelity):
        said["fidelity"] = dataclasses.asdict(domain.fidelity)
    when = domain.when and {parent: list(values) for parent, values in domain.when.items()}
    return _set({**said, "default": domain.default, "when": when, "context": domain.context or None})


def _algorithm(algorithm: Algorithm) -> object:
    name = type(algorithm).__name__.lower()
    match algorithm:
        case Grid():
            return {name: _set({"default_levels": algorithm.default_levels, "levels": dict(algorithm.levels) or None})}
        case Bayesian():
            return {name: {"start_trials": algorithm.start_trials}}
        case _:
            return name


def _set(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _yaml(value: object) -> str:
    """A value in YAML's flow style, which takes JSON as it is; plain words need no quotes."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_yaml(key)}: {_yaml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_yaml(each) for each in value) + "]"
    if isinstance(value, str) and _PLAIN.match(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
