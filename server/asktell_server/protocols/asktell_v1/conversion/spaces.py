"""Search spaces, parameter values and algorithms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from asktell.v1 import search_space_pb2, study_pb2
from asktell_server.domain.algorithm import ALGORITHMS, Algorithm, Auto
from asktell_server.domain.derived import MAX_DERIVED_PARAMETERS
from asktell_server.domain.domains import MAX_LEVELS
from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.linear_rules import MAX_CONSTRAINTS
from asktell_server.domain.linear_text import read_constraint
from asktell_server.domain.space import (
    MAX_PARAMETERS,
    BoolDomain,
    CategoricalDomain,
    Condition,
    Configuration,
    DerivedParameter,
    DiscreteDomain,
    Domain,
    Fidelity,
    FloatDomain,
    IntDomain,
    Parameter,
    ParameterValue,
    Scale,
    SearchSpace,
)
from asktell_server.protocols.asktell_v1.conversion.counts import few
from asktell_server.protocols.asktell_v1.conversion.priors import prior_from, prior_to

_SCALES: Mapping[int, Scale] = {
    search_space_pb2.SCALE_UNSPECIFIED: Scale.LINEAR,
    search_space_pb2.SCALE_LINEAR: Scale.LINEAR,
    search_space_pb2.SCALE_LOG: Scale.LOG,
    search_space_pb2.SCALE_REVERSE_LOG: Scale.REVERSE_LOG,
}
_SCALES_OUT: Mapping[Scale, search_space_pb2.Scale.ValueType] = {
    Scale.LINEAR: search_space_pb2.SCALE_LINEAR,
    Scale.LOG: search_space_pb2.SCALE_LOG,
    Scale.REVERSE_LOG: search_space_pb2.SCALE_REVERSE_LOG,
}


def space_from(message: search_space_pb2.SearchSpace, where: str) -> SearchSpace:
    """Reads a space; its values are checked by `SearchSpace.validate`.

    Raises:
        InvalidArgument: a parameter without domain, an unknown scale, a value without kind, a text that is no constraint.
    """
    names = {parameter.name for parameter in message.parameters}
    return SearchSpace(
        parameters=tuple(
            _parameter_from(parameter, f"{where}.parameters[{index}]")
            for index, parameter in enumerate(
                few(message.parameters, MAX_PARAMETERS, f"{where}.parameters", "parameters")
            )
        ),
        parameter_constraints=tuple(
            read_constraint(text, field=f"{where}.parameter_constraints[{index}]", names=names)
            for index, text in enumerate(
                few(message.parameter_constraints, MAX_CONSTRAINTS, f"{where}.parameter_constraints", "constraints")
            )
        ),
        derived=tuple(
            DerivedParameter(name=derived.name, expression=derived.expression)
            for derived in few(
                message.derived_parameters, MAX_DERIVED_PARAMETERS, f"{where}.derived_parameters", "derived parameters"
            )
        ),
    )


def _parameter_from(message: search_space_pb2.Parameter, where: str) -> Parameter:
    default = value_from(message.default_value, f"{where}.default_value") if message.HasField("default_value") else None
    condition = _condition_from(message.condition, f"{where}.condition") if message.HasField("condition") else None
    prior = prior_from(message.prior, f"{where}.prior") if message.HasField("prior") else None
    return Parameter(
        name=message.name,
        domain=_domain_from(message, where),
        default=default,
        condition=condition,
        prior=prior,
        context=message.context,
        fidelity=_fidelity_from(message.fidelity) if message.HasField("fidelity") else None,
    )


def _fidelity_from(message: search_space_pb2.Fidelity) -> Fidelity:
    factor = message.reduction_factor or Fidelity().reduction_factor
    return Fidelity(fixed_cost_share=message.fixed_cost_share, reduction_factor=factor)


def _condition_from(message: search_space_pb2.Condition, where: str) -> Condition:
    if not message.parent:
        raise InvalidArgument(f"{where}.parent", "is required: the name of another parameter")
    values = few(message.values, MAX_LEVELS, f"{where}.values", "values")
    return Condition(
        parent=message.parent,
        values=tuple(value_from(value, f"{where}.values[{index}]") for index, value in enumerate(values)),
    )


def _domain_from(message: search_space_pb2.Parameter, where: str) -> Domain:
    match message.WhichOneof("domain"):
        case "float_domain":
            real = message.float_domain
            return FloatDomain(
                min=real.min,
                max=real.max,
                scale=_scale_from(real.scale, f"{where}.float_domain.scale"),
                step=real.step if real.HasField("step") else None,
            )
        case "int_domain":
            whole = message.int_domain
            return IntDomain(
                min=whole.min,
                max=whole.max,
                scale=_scale_from(whole.scale, f"{where}.int_domain.scale"),
                step=whole.step if whole.HasField("step") else 1,
            )
        case "discrete_domain":
            return DiscreteDomain(
                values=_numbers_from(message.discrete_domain.values, f"{where}.discrete_domain.values")
            )
        case "categorical_domain":
            return CategoricalDomain(
                values=tuple(
                    few(message.categorical_domain.values, MAX_LEVELS, f"{where}.categorical_domain.values", "values")
                )
            )
        case "bool_domain":
            return BoolDomain()
        case _:
            raise InvalidArgument(
                f"{where}.domain",
                "is required: one of float_domain, int_domain, discrete_domain, categorical_domain, bool_domain",
            )


def _numbers_from(messages: Sequence[search_space_pb2.ParameterValue], where: str) -> tuple[float, ...]:
    values = []
    for index, message in enumerate(few(messages, MAX_LEVELS, where, "values")):
        value = value_from(message, f"{where}[{index}]")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidArgument(f"{where}[{index}]", "must be an int_value or a double_value")
        values.append(value)
    return tuple(values)


def _scale_from(number: int, where: str) -> Scale:
    if number not in _SCALES:
        raise InvalidArgument(where, f"must be SCALE_LINEAR, SCALE_LOG or SCALE_REVERSE_LOG, got {number}")
    return _SCALES[number]


def value_from(message: search_space_pb2.ParameterValue, where: str) -> ParameterValue:
    """Reads one value. Raises InvalidArgument when it has no kind."""
    kind = message.WhichOneof("kind")
    if kind is None:
        raise InvalidArgument(where, "is required: one of double_value, int_value, string_value, bool_value")
    value: ParameterValue = getattr(message, kind)
    return value


def configuration_from(
    messages: Mapping[str, search_space_pb2.ParameterValue], where: str
) -> dict[str, ParameterValue]:
    """Reads a configuration; whether it fits a space is checked by `SearchSpace.normalize`."""
    return {
        name: value_from(message, f"{where}[{name[:128]}]")
        for name, message in few(messages, MAX_PARAMETERS + MAX_DERIVED_PARAMETERS, where, "values").items()
    }


def value_to(value: ParameterValue) -> search_space_pb2.ParameterValue:
    """Writes one value; bool before int, because a bool is an int in Python."""
    match value:
        case bool():
            return search_space_pb2.ParameterValue(bool_value=value)
        case int():
            return search_space_pb2.ParameterValue(int_value=value)
        case float():
            return search_space_pb2.ParameterValue(double_value=value)
        case str():
            return search_space_pb2.ParameterValue(string_value=value)


def configuration_to(configuration: Configuration) -> dict[str, search_space_pb2.ParameterValue]:
    """Writes a configuration."""
    return {name: value_to(value) for name, value in configuration.items()}


def space_to(space: SearchSpace) -> search_space_pb2.SearchSpace:
    """Writes a space."""
    return search_space_pb2.SearchSpace(
        parameters=[_parameter_to(parameter) for parameter in space.parameters],
        parameter_constraints=map(str, space.parameter_constraints),
        derived_parameters=[
            search_space_pb2.DerivedParameter(name=derived.name, expression=derived.expression)
            for derived in space.derived
        ],
    )


def _parameter_to(parameter: Parameter) -> search_space_pb2.Parameter:
    message = search_space_pb2.Parameter(name=parameter.name, context=parameter.context)
    match parameter.domain:
        case FloatDomain(min=low, max=high, scale=scale, step=step):
            message.float_domain.CopyFrom(
                search_space_pb2.FloatDomain(min=low, max=high, scale=_SCALES_OUT[scale], step=step)
            )
        case IntDomain(min=first, max=last, scale=scale, step=stride):
            message.int_domain.CopyFrom(
                search_space_pb2.IntDomain(min=first, max=last, scale=_SCALES_OUT[scale], step=stride)
            )
        case DiscreteDomain(values=numbers):
            message.discrete_domain.values.extend(value_to(number) for number in numbers)
        case CategoricalDomain(values=names):
            message.categorical_domain.values.extend(names)
        case BoolDomain():
            message.bool_domain.SetInParent()
    if (condition := parameter.condition) is not None:
        values = [value_to(value) for value in condition.values]
        message.condition.CopyFrom(search_space_pb2.Condition(parent=condition.parent, values=values))
    if parameter.default is not None:
        message.default_value.CopyFrom(value_to(parameter.default))
    if parameter.prior is not None:
        message.prior.CopyFrom(prior_to(parameter.prior))
    if (fidelity := parameter.fidelity) is not None:
        message.fidelity.fixed_cost_share = fidelity.fixed_cost_share
        message.fidelity.reduction_factor = fidelity.reduction_factor
    return message


def algorithm_from(message: study_pb2.Algorithm) -> Algorithm:
    """Reads an algorithm; unset = auto. A setting has the name of its field, and its default where that is unset."""
    kind = message.WhichOneof("kind") or Auto.kind
    settings: dict[str, Any] = {
        field.name: dict(value) if isinstance(value, Mapping) else value
        for field, value in getattr(message, kind).ListFields()
    }
    return ALGORITHMS[kind](**settings)


def algorithm_to(algorithm: Algorithm) -> study_pb2.Algorithm:
    """Writes an algorithm, each setting into the field of its name."""
    settings: Any = {field.name: getattr(algorithm, field.name) for field in fields(algorithm)}
    return study_pb2.Algorithm(**{algorithm.kind: settings})
