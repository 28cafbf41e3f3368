"""Parts of a study in words: domains, objectives, rules."""

from __future__ import annotations

import dataclasses
from typing import Any

from asktell._core.shown import short
from asktell.spaces import Fidelity, NormalPrior, Prior


def said_of(value: Any) -> str:
    """A dataclass for people: its name and what is set, e.g. `Float 1e-05 to 0.001, log`."""
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    words = []
    if "min" in fields:
        words.append(f"{short(fields.pop('min'))} to {short(fields.pop('max'))}")
    if "expression" in fields:
        words.append(fields.pop("expression"))
    if "values" in fields:
        words.append(", ".join(short(each) for each in fields.pop("values")))
    if (prior := fields.pop("prior", None)) is not None:
        words.append(f"prior {_prior(prior)}")
    if isinstance(fidelity := fields.get("fidelity"), Fidelity):
        del fields["fidelity"]
        words.append(_fidelity(fidelity))
    words += [name if each is True else f"{name} {short(each)}" for name, each in fields.items() if each]
    return f"{type(value).__name__.lower()} {', '.join(words)}".strip()


def _fidelity(fidelity: Fidelity) -> str:
    """What it is, and what is set otherwise than by default."""
    chosen = {
        field.name: value
        for field in dataclasses.fields(fidelity)
        if (value := getattr(fidelity, field.name)) != field.default
    }
    return ", ".join(["fidelity", *(f"{name.replace('_', ' ')} {short(value)}" for name, value in chosen.items())])


def _prior(prior: Prior) -> str:
    if isinstance(prior, NormalPrior):
        return f"around {short(prior.mean)} (relative standard deviation {short(prior.relative_standard_deviation)})"
    return f"by weights {' : '.join(map(short, prior.weights))}"
