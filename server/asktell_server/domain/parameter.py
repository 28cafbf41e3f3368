"""One hyperparameter, and the condition under which it exists."""

from __future__ import annotations

from dataclasses import dataclass, field

from asktell_server.domain.domains import Domain
from asktell_server.domain.priors import Prior
from asktell_server.domain.values import ParameterValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A parameter exists only while its parent does and has one of these values."""

    parent: str
    values: tuple[ParameterValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """What a trial costs at a value of the parameter that says how much of the whole it runs, and how far apart its levels are.

    `fixed_cost_share`: the part of a trial's cost at the highest value that is spent at any; the rest is proportional to the value.
    `reduction_factor`: one of so many configurations goes on to the next level, which costs so many times as much.
    """

    fixed_cost_share: float = 0.0
    reduction_factor: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One hyperparameter. `default` is a value known to work, `prior` where good values are believed to lie, or None; without a
    `condition` it always exists. `context`: whoever asks states its value; the server never chooses one.
    `fidelity`: it says how much of the whole a trial runs.
    """

    name: str
    domain: Domain
    default: ParameterValue | None = None
    # Not in the representation: digests of spaces without conditions are those of the servers before there were any.
    condition: Condition | None = field(default=None, repr=False)
    # Neither is this: a prior changes what is suggested and no model, so warm starts of the space stay valid.
    prior: Prior | None = field(default=None, repr=False)
    context: bool = field(default=False, repr=False)
    fidelity: Fidelity | None = field(default=None, repr=False)
