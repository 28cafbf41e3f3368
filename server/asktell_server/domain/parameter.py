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
class Parameter:
    """One hyperparameter. `default` is a value known to work, `prior` where good values are believed to lie, or None; without a
    `condition` it always exists. `context`: whoever asks states its value; the server never chooses one.
    """

    name: str
    domain: Domain
    default: ParameterValue | None = None
    # Not in the representation: digests of spaces without conditions are those of the servers before there were any.
    condition: Condition | None = field(default=None, repr=False)
    # Neither is this: a prior changes what is suggested and no model, so warm starts of the space stay valid.
    prior: Prior | None = field(default=None, repr=False)
    context: bool = field(default=False, repr=False)
