"""Priors: where good values of a parameter are believed to lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NoReturn

from asktell_server.domain.domains import BoolDomain, CategoricalDomain, DiscreteDomain, Domain, FloatDomain, IntDomain
from asktell_server.domain.errors import ErrorReason, InvalidArgument

_KINDS = {
    FloatDomain: "float",
    IntDomain: "int",
    DiscreteDomain: "discrete",
    CategoricalDomain: "categorical",
    BoolDomain: "bool",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalPrior:
    """A bell around `mean`, a number of the domain's range in the parameter's unit.

    `relative_standard_deviation` is a fraction of the range, in (0, 1], both on the parameter's own scale (that of an ordered
    list are the places of its numbers).
    """

    mean: float
    relative_standard_deviation: float

    def validate(self, domain: Domain, field: str) -> None:
        """Raises InvalidArgument naming `field`, or its offending sub-field, where this is no prior on the domain."""
        if isinstance(domain, CategoricalDomain | BoolDomain):
            _refuse(f"{field}.normal", f"is for numbers; a {_KINDS[type(domain)]} parameter takes weights")
        low, high = (
            (domain.values[0], domain.values[-1]) if isinstance(domain, DiscreteDomain) else (domain.min, domain.max)
        )
        where = f"{field}.normal.mean"
        if not math.isfinite(self.mean):
            _refuse(where, f"must be finite, got {self.mean}", ErrorReason.NOT_FINITE)
        if not low <= self.mean <= high:
            _refuse(where, f"must be in [{low}, {high}], got {self.mean}", ErrorReason.VALUE_OUTSIDE_SPACE)
        where = f"{field}.normal.relative_standard_deviation"
        if not math.isfinite(self.relative_standard_deviation):
            _refuse(where, f"must be finite, got {self.relative_standard_deviation}", ErrorReason.NOT_FINITE)
        if not 0 < self.relative_standard_deviation <= 1:
            _refuse(where, f"must be in (0, 1], got {self.relative_standard_deviation}")


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsPrior:
    """A weight for each value of the domain, in its order (false before true); they need not sum to 1."""

    weights: tuple[float, ...]

    def validate(self, domain: Domain, field: str) -> None:
        """Raises InvalidArgument naming `field`, or its offending sub-field, where this is no prior on the domain."""
        if isinstance(domain, FloatDomain | IntDomain):
            _refuse(
                f"{field}.weights",
                "is for discrete, categorical and bool parameters; "
                f"a {_KINDS[type(domain)]} parameter takes a normal prior",
            )
        where = f"{field}.weights.weights"
        if len(self.weights) != domain.cardinality:
            _refuse(where, f"must hold a weight for each of the {domain.cardinality} values, got {len(self.weights)}")
        for index, weight in enumerate(self.weights):
            if not math.isfinite(weight):
                _refuse(f"{where}[{index}]", f"must be finite, got {weight}", ErrorReason.NOT_FINITE)
            if weight < 0:
                _refuse(f"{where}[{index}]", f"must be at least 0, got {weight}")
        if not any(self.weights):
            _refuse(where, "must have one that is greater than 0")


Prior = NormalPrior | WeightsPrior


def _refuse(field: str, message: str, reason: ErrorReason | None = None) -> NoReturn:
    raise InvalidArgument(field, message) if reason is None else InvalidArgument(field, message, reason=reason)
