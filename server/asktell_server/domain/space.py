"""Search spaces: parameters and configurations."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from asktell_server.domain.domains import (
    DOMAIN_FIELDS,
    MAX_LEVELS,
    BoolDomain,
    CategoricalDomain,
    DiscreteDomain,
    Domain,
    FloatDomain,
    IntDomain,
    Scale,
)
from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.values import (
    ABSENT,
    MAX_EXACT_INT,
    Configuration,
    Key,
    ParameterValue,
    configuration_digest,
    listed,
)

__all__ = [
    "ABSENT",
    "DOMAIN_FIELDS",
    "MAX_EXACT_INT",
    "MAX_LEVELS",
    "MAX_PARAMETERS",
    "NAME_RE",
    "NAME_RULE",
    "BoolDomain",
    "CategoricalDomain",
    "Configuration",
    "DiscreteDomain",
    "Domain",
    "FloatDomain",
    "IntDomain",
    "Key",
    "Parameter",
    "ParameterValue",
    "Scale",
    "SearchSpace",
    "configuration_digest",
]

MAX_PARAMETERS = 100

NAME_RE = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]{0,127}")
NAME_RULE = "1 to 128 characters out of letters, digits, '_', '.', '-' and '/', beginning with a letter or '_'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One hyperparameter. `default` is a value known to work, or None."""

    name: str
    domain: Domain
    default: ParameterValue | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpace:
    """1 to 100 parameters with unique names; `names` has these in their order."""

    parameters: tuple[Parameter, ...]
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(parameter.name for parameter in self.parameters))

    def validate(self, field: str) -> None:
        """Raises InvalidArgument naming the offending sub-field of `field`."""
        if not 1 <= len(self.parameters) <= MAX_PARAMETERS:
            raise InvalidArgument(
                f"{field}.parameters",
                f"must hold 1 to {MAX_PARAMETERS} parameters, got {len(self.parameters)}",
                metadata={"limit": str(MAX_PARAMETERS)},
            )
        seen: set[str] = set()
        for index, parameter in enumerate(self.parameters):
            where = f"{field}.parameters[{index}]"
            if not NAME_RE.fullmatch(parameter.name):
                raise InvalidArgument(f"{where}.name", f"must be {NAME_RULE}, got {parameter.name[:140]!r}")
            if parameter.name in seen:
                raise InvalidArgument(f"{where}.name", f"must be unique, got {parameter.name!r} again")
            seen.add(parameter.name)
            parameter.domain.validate(f"{where}.{DOMAIN_FIELDS[type(parameter.domain)]}")
            if parameter.default is not None:
                try:
                    parameter.domain.normalize(parameter.default)
                except ValueError as error:
                    raise InvalidArgument(
                        f"{where}.default_value", str(error), reason=ErrorReason.VALUE_OUTSIDE_SPACE
                    ) from None

    def normalize(
        self, configuration: Configuration, *, field: str, fill_defaults: bool = False
    ) -> dict[str, ParameterValue]:
        """The configuration in the order and kinds of the space, with its active parameters.

        Raises:
            InvalidArgument: a parameter is unknown, missing (and has no default, or `fill_defaults` is False), or
                its value is not in its domain. The field is `{field}[{parameter}]`.
        """
        known = set(self.names)
        for name in configuration:
            if name not in known:
                raise _outside(field, name, f"no such parameter; the space has {listed(sorted(known))}")
        result: dict[str, ParameterValue] = {}
        for parameter in self.active(configuration):
            value = configuration.get(parameter.name)
            if value is None and fill_defaults:
                value = parameter.default
            if value is None:
                raise _outside(field, parameter.name, "is missing")
            try:
                result[parameter.name] = parameter.domain.normalize(value)
            except ValueError as error:
                raise _outside(field, parameter.name, str(error)) from None
        return result

    def active(self, configuration: Configuration) -> tuple[Parameter, ...]:
        """The parameters that need a value in the configuration, in the order of the space: all of them."""
        return self.parameters

    def key(self, configuration: Configuration) -> Key:
        """The configuration's values in the order of the space, ABSENT for a parameter that it does not have."""
        return tuple(map(configuration.get, self.names))

    def configuration(self, key: Key) -> dict[str, ParameterValue]:
        """The configuration that has the key. Raises ValueError when the key is of another length."""
        return {name: value for name, value in zip(self.names, key, strict=True) if value is not ABSENT}

    @property
    def cardinality(self) -> int | None:
        """How many configurations there are; None = infinitely many."""
        product = 1
        for parameter in self.parameters:
            count = parameter.domain.cardinality
            if count is None:
                return None
            product *= count
        return product


def _outside(field: str, parameter: str, message: str) -> InvalidArgument:
    shown = parameter if len(parameter) <= 128 else parameter[:125] + "..."
    return InvalidArgument(
        f"{field}[{shown}]", message, reason=ErrorReason.VALUE_OUTSIDE_SPACE, metadata={"parameter": shown}
    )
