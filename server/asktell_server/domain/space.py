"""Search spaces: parameters and configurations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from asktell_server.domain.conditions import Forest, validate_conditions
from asktell_server.domain.context import validate_contexts
from asktell_server.domain.counting import Axis, keeping
from asktell_server.domain.derived import Derivation, DerivedParameter, disagreements, validate_derived
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
from asktell_server.domain.fidelity import validate_fidelity
from asktell_server.domain.linear import LinearConstraint
from asktell_server.domain.linear_rules import validate_constraints
from asktell_server.domain.parameter import Condition, Fidelity, Parameter
from asktell_server.domain.priors import NormalPrior, Prior, WeightsPrior
from asktell_server.domain.values import (
    ABSENT,
    MAX_EXACT_INT,
    Configuration,
    Key,
    ParameterValue,
    configuration_digest,
    listed,
    shown,
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
    "Condition",
    "Configuration",
    "DerivedParameter",
    "DiscreteDomain",
    "Domain",
    "Fidelity",
    "FloatDomain",
    "IntDomain",
    "Key",
    "NormalPrior",
    "Parameter",
    "ParameterValue",
    "Prior",
    "Scale",
    "SearchSpace",
    "WeightsPrior",
    "configuration_digest",
]

MAX_PARAMETERS = 100
MAX_COUNTED = 100_000
"""Configurations of the parameters that constraints concern, up to which those that keep them are counted."""
MAX_NAMED = 5
"""The most values of a condition that are named in an error."""

NAME_RE = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]{0,127}")
NAME_RULE = "1 to 128 characters out of letters, digits, '_', '.', '-' and '/', beginning with a letter or '_'"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpace:
    """1 to 100 parameters with unique names; `names` has these in their order, `forest` which depend on which.

    `forest` is None where all parameters always exist. A configuration keeps each of the `parameter_constraints` all of whose
    parameters it has. Derived parameters are delivered with a configuration and are no part of it; `derivation` is how they are
    computed. `fidelity` is the parameter that says how much of the whole a trial runs, or None.
    """

    parameters: tuple[Parameter, ...]
    # Not in the representation, as a parameter's condition.
    parameter_constraints: tuple[LinearConstraint, ...] = field(default=(), repr=False)
    # Not in it either: no model sees them.
    derived: tuple[DerivedParameter, ...] = field(default=(), repr=False)
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    forest: Forest | None = field(init=False, repr=False, compare=False)
    derivation: Derivation = field(init=False, repr=False, compare=False)
    fidelity: Parameter | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(parameter.name for parameter in self.parameters))
        conditional = any(parameter.condition is not None for parameter in self.parameters)
        object.__setattr__(self, "forest", Forest.of(self.parameters) if conditional else None)
        object.__setattr__(self, "derivation", Derivation.of_any(self.parameters, self.derived))
        fidelity = next((parameter for parameter in self.parameters if parameter.fidelity is not None), None)
        object.__setattr__(self, "fidelity", fidelity)

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
            _validate_name(parameter.name, seen, f"{where}.name")
            parameter.domain.validate(f"{where}.{DOMAIN_FIELDS[type(parameter.domain)]}")
            if parameter.default is not None:
                try:
                    parameter.domain.normalize(parameter.default)
                except ValueError as error:
                    raise InvalidArgument(
                        f"{where}.default_value", str(error), reason=ErrorReason.VALUE_OUTSIDE_SPACE
                    ) from None
            if parameter.prior is not None:
                parameter.prior.validate(parameter.domain, f"{where}.prior")
        validate_conditions(self.parameters, field)
        if self.parameter_constraints:
            validate_constraints(self.parameters, self.forest, self.parameter_constraints, field)
        for index, derived in enumerate(self.derived):
            _validate_name(derived.name, seen, f"{field}.derived_parameters[{index}].name")
        validate_derived(self.parameters, self.derived, field)
        validate_contexts(self.parameters, field)
        validate_fidelity(self, field)

    def normalize(
        self, configuration: Configuration, *, field: str, fill_defaults: bool = False
    ) -> dict[str, ParameterValue]:
        """The configuration in the order and kinds of the space, with its active parameters.

        Derived parameters may be given, as they were delivered; they are no part of the answer.

        Raises:
            InvalidArgument: a parameter is unknown, missing (and has no default, or `fill_defaults` is False), has a
                value and does not exist beside those of its parents, or its value is not in its domain, or not what is derived.
                The field is `{field}[{parameter}]`; it is `field` where the values do not keep a constraint.
        """
        known = {*self.names, *self.derivation.names}
        for name in configuration:
            if name not in known:
                raise outside(field, name, no_such(known))
        result: dict[str, ParameterValue] = {}
        for place in range(len(self.parameters)) if self.forest is None else self.forest.order:
            parameter = self.parameters[place]
            if not self._exists(place, result):
                if parameter.name in configuration:
                    raise outside(field, parameter.name, self._why_inactive(place, result))
                continue
            value = configuration.get(parameter.name)
            if value is None and fill_defaults:
                value = parameter.default
            if value is None:
                raise outside(field, parameter.name, f"is missing{self._why(place)}")
            try:
                result[parameter.name] = parameter.domain.normalize(value)
            except ValueError as error:
                raise outside(field, parameter.name, str(error)) from None
        for constraint in self.parameter_constraints:
            if constraint.applies(result) and not constraint.keeps(result):
                raise _breaks(field, constraint, result)
        if self.derived and not configuration.keys() <= result.keys():
            for name, why in disagreements(self.derived, given=configuration, computed=self.derive(result)):
                raise outside(field, name, why)
        return result if self.forest is None else {name: result[name] for name in self.names if name in result}

    def active(self, values: Configuration) -> dict[str, ParameterValue]:
        """Of a value for each parameter those that exist beside the others, in the order of the space."""
        if self.forest is None:
            return {name: values[name] for name in self.names}
        result: dict[str, ParameterValue] = {}
        for place in self.forest.order:
            if self._exists(place, result):
                result[self.names[place]] = values[self.names[place]]
        return {name: result[name] for name in self.names if name in result}

    def derive(self, configuration: Configuration) -> dict[str, ParameterValue]:
        """The derived parameters of a configuration of the space, without those that need what it does not have."""
        return self.derivation.values(configuration)

    def key(self, configuration: Configuration) -> Key:
        """The configuration's values in the order of the space, ABSENT for a parameter that it does not have."""
        return tuple(map(configuration.get, self.names))

    def configuration(self, key: Key) -> dict[str, ParameterValue]:
        """The configuration that has the key. Raises ValueError when the key is of another length."""
        return {name: value for name, value in zip(self.names, key, strict=True) if value is not ABSENT}

    @property
    def cardinality(self) -> int | None:
        """How many configurations there are; None = infinitely many, or too many to see which keep the constraints."""
        return self.count({})

    def count(self, fixed: Configuration) -> int | None:
        """`cardinality` of what has the fixed values (`fixed_values`)."""
        counts = [1 if parameter.name in fixed else parameter.domain.cardinality for parameter in self.parameters]
        combinations = self.combinations(counts, fixed)
        if combinations is None or not self.parameter_constraints:
            return combinations
        return _kept(self, tuple(fixed.items()))

    def combinations(self, counts: Sequence[int | None], fixed: Configuration | None = None) -> int | None:
        """How many there are of so many values of each parameter, whatever the constraints leave; None = infinitely many."""
        if self.forest is not None:
            held = {place: fixed[name] for place, name in enumerate(self.names) if name in fixed} if fixed else {}
            return self.forest.count(counts, held)
        product = 1
        for count in counts:
            if count is None:
                return None
            product *= count
        return product

    def parts(self) -> tuple[SearchSpace | None, SearchSpace | None]:
        """What the constraints concern, and what goes with all of that; None where there is no such parameter.

        The first has all parameters of constraints and all that depend on them, or that they depend on.
        """
        named = {name for constraint in self.parameter_constraints for name in constraint.names}
        roots = [place if self.forest is None else self.forest.root(place) for place in range(len(self.parameters))]
        concerned = {root for root, name in zip(roots, self.names, strict=True) if name in named}
        mine = tuple(one for one, root in zip(self.parameters, roots, strict=True) if root in concerned)
        rest = tuple(one for one, root in zip(self.parameters, roots, strict=True) if root not in concerned)
        return (
            SearchSpace(parameters=mine, parameter_constraints=self.parameter_constraints) if mine else None,
            SearchSpace(parameters=rest) if rest else None,
        )

    def _exists(self, place: int, values: Configuration) -> bool:
        """Whether a parameter exists; the parents' values are those of the configuration, none of them inactive."""
        link = None if self.forest is None else self.forest.links[place]
        return link is None or values.get(self.names[link.parent]) in link.values

    def why_inactive(self, name: str, values: Configuration) -> str:
        """Why a configuration with these values of what exists in it does not have the parameter, which depends on others."""
        return self._why_inactive(self.names.index(name), values)

    def _why_inactive(self, place: int, values: Configuration) -> str:
        """The nearest parent that exists, and its value."""
        while self.forest is not None and (link := self.forest.links[place]) is not None:
            place = link.parent
            if (name := self.names[place]) in values:
                return f"is not active: {name} is {shown(values[name])}"
        raise ValueError(f"{self.names[place]} always exists")

    def _why(self, place: int) -> str:
        condition = self.parameters[place].condition
        if condition is None:
            return ""
        return f"; it exists where {condition.parent} is {' or '.join(map(shown, condition.values[:MAX_NAMED]))}"


@dataclass(frozen=True, slots=True)
class _Values:
    """The values of a finite domain."""

    domain: Domain
    count: int

    def value(self, index: int) -> ParameterValue:
        domain = self.domain
        return domain.level(index) if isinstance(domain, FloatDomain | IntDomain) else domain.levels()[index]


@dataclass(frozen=True, slots=True)
class _One:
    """The value that a parameter is fixed to."""

    only: ParameterValue
    count: int = 1

    def value(self, index: int) -> ParameterValue:
        return self.only


@lru_cache(maxsize=256)  # every ask and every answer with a study wants to know
def _kept(space: SearchSpace, fixed: tuple[tuple[str, ParameterValue], ...]) -> int | None:
    held = dict(fixed)
    concerned, rest = space.parts()
    assert concerned is not None, "there are constraints, and finitely many configurations without them"
    axes: list[Axis] = [
        _One(held[parameter.name])
        if parameter.name in held
        else _Values(parameter.domain, parameter.domain.cardinality or 0)
        for parameter in concerned.parameters
    ]
    codes = keeping(concerned.names, axes, space.parameter_constraints, concerned.forest, limit=MAX_COUNTED)
    if codes is None:
        return None
    return len(codes) * (1 if rest is None else rest.count(held) or 0)


def _breaks(field: str, constraint: LinearConstraint, values: Configuration) -> InvalidArgument:
    given = ", ".join(f"{name} = {shown(values[name])}" for name in constraint.names)
    return InvalidArgument(
        field,
        f"must keep {constraint}, got {given}",
        reason=ErrorReason.VALUE_OUTSIDE_SPACE,
        metadata={"parameter_constraint": str(constraint)},
    )


def _validate_name(name: str, seen: set[str], where: str) -> None:
    """Adds the name to those seen. Raises InvalidArgument: it is none, or there already."""
    if not NAME_RE.fullmatch(name):
        raise InvalidArgument(where, f"must be {NAME_RULE}, got {name[:140]!r}")
    if name in seen:
        raise InvalidArgument(where, f"must be unique, got {name!r} again")
    seen.add(name)


def no_such(known: Iterable[str]) -> str:
    """What an error says of a name that is none of those known."""
    return f"no such parameter; the space has {listed(sorted(known))}"


def outside(field: str, parameter: str, message: str) -> InvalidArgument:
    """The error for a parameter's value that the space does not have."""
    shown = parameter if len(parameter) <= 128 else parameter[:125] + "..."
    return InvalidArgument(
        f"{field}[{shown}]", message, reason=ErrorReason.VALUE_OUTSIDE_SPACE, metadata={"parameter": shown}
    )
