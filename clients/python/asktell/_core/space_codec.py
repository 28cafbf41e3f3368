"""Search spaces to the wire and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from asktell._core.values import (
    decode_value,
    encode_value,
    number,
    real,
    text,
    whole,
)
from asktell.spaces import (
    Bool,
    Categorical,
    Derived,
    Discrete,
    Domain,
    Fidelity,
    Float,
    Int,
    NormalPrior,
    ParameterValue,
    Prior,
    Space,
    WeightsPrior,
)
from asktell.v1 import search_space_pb2, study_pb2


def encode_space(space: Space, _: str = "space") -> search_space_pb2.SearchSpace:
    """A search space on the wire, in the mapping's order. Raises TypeError naming the parameter."""
    if not isinstance(space, Mapping):
        raise TypeError(f"space must map names to Float, Int, …, got {type(space).__name__}")
    wire = search_space_pb2.SearchSpace()
    for name, domain in space.items():
        if isinstance(domain, Derived):
            wire.derived_parameters.add(
                name=text(name, f"the parameter name {name!r}"),
                expression=text(domain.expression, f"space[{name!r}].expression"),
            )
        else:
            wire.parameters.append(_parameter(name, domain))
    return wire


def encode_parameter_constraints(constraints: Sequence[str], where: str = "parameter_constraints") -> list[str]:
    """Constraints between parameters on the wire. Raises TypeError naming the one that is no text."""
    if isinstance(constraints, str):
        raise TypeError(f"{where} must be a list of texts, got a single one: [{constraints!r}]")
    return [text(each, f"{where}[{index}]") for index, each in enumerate(constraints)]


def _parameter(name: str, domain: Domain) -> search_space_pb2.Parameter:
    where = f"space[{name!r}]"
    wire = search_space_pb2.Parameter(name=text(name, f"the parameter name {name!r}"))
    if isinstance(domain, Float):
        wire.float_domain.CopyFrom(_float(domain, where))
    elif isinstance(domain, Int):
        wire.int_domain.CopyFrom(_int(domain, where))
    elif isinstance(domain, Discrete):
        wire.discrete_domain.SetInParent()  # an empty list is for the server to refuse
        for index, value in enumerate(domain.values):
            wire.discrete_domain.values.append(encode_value(number(value, f"{where}.values[{index}]"), where))
    elif isinstance(domain, Categorical):
        wire.categorical_domain.SetInParent()
        wire.categorical_domain.values.extend(_categories(domain.values, where))
    elif isinstance(domain, Bool):
        wire.bool_domain.SetInParent()
    if wire.WhichOneof("domain") is None:
        raise TypeError(f"{where} must be a Float, Int, Discrete, Categorical, Bool or Derived, got {domain!r}")
    if domain.default is not None:
        default: ParameterValue = domain.default
        if isinstance(domain, Float):
            default = real(default, f"{where}.default")  # 1 means 1.0 here
        wire.default_value.CopyFrom(encode_value(default, f"{where}.default"))
    wire.context = domain.context
    if isinstance(domain, Float | Int | Discrete) and isinstance(domain.fidelity, Fidelity):
        wire.fidelity.CopyFrom(_fidelity(domain.fidelity, f"{where}.fidelity"))
    for parent, values in (domain.when or {}).items():
        wire.condition.parent = text(parent, f"the parameter of {where}.when")
        wire.condition.values.extend(encode_value(value, f"{where}.when[{parent!r}]") for value in values)
    if domain.prior is not None:
        wire.prior.CopyFrom(_encode_prior(domain.prior, f"{where}.prior"))
    return wire


def _fidelity(fidelity: Fidelity, where: str) -> search_space_pb2.Fidelity:
    return search_space_pb2.Fidelity(
        fixed_cost_share=real(fidelity.fixed_cost_share, f"{where}.fixed_cost_share"),
        reduction_factor=real(fidelity.reduction_factor, f"{where}.reduction_factor"),
    )


def _encode_prior(prior: object, where: str) -> search_space_pb2.Prior:
    if isinstance(prior, NormalPrior):
        normal = search_space_pb2.NormalPrior(
            mean=real(prior.mean, f"{where}.mean"),
            relative_standard_deviation=real(prior.relative_standard_deviation, f"{where}.relative_standard_deviation"),
        )
        return search_space_pb2.Prior(normal=normal)
    if isinstance(prior, WeightsPrior):
        weights = [real(weight, f"{where}.weights[{index}]") for index, weight in enumerate(prior.weights)]
        return search_space_pb2.Prior(weights=search_space_pb2.WeightsPrior(weights=weights))
    raise TypeError(f"{where} must be a NormalPrior or a WeightsPrior, got {prior!r}")


def _decode_prior(wire: search_space_pb2.Parameter) -> Prior | None:
    match wire.prior.WhichOneof("kind"):
        case "normal":
            return NormalPrior(wire.prior.normal.mean, wire.prior.normal.relative_standard_deviation)
        case "weights":
            return _decode_weights(wire)
        case _:
            return None


def _decode_weights(wire: search_space_pb2.Parameter) -> WeightsPrior | None:
    return WeightsPrior(list(wire.prior.weights.weights)) if wire.prior.HasField("weights") else None


def _categories(values: Sequence[object], where: str) -> Sequence[str]:
    """The categories. Raises TypeError for others than strings, and says which domain takes them."""
    others = [value for value in values if not isinstance(value, str)]
    if not others:
        return [str(value) for value in values]
    advice = []
    if any(value is not None and not isinstance(value, bool) for value in others):
        advice.append("Discrete([…]) takes numbers")
    if any(isinstance(value, bool) for value in others):
        advice.append("Bool() is true or false")
    if None in others:
        advice.append('a category such as "none" stands for None')
    got = ", ".join(f"{value!r:.80}" for value in others[:3])
    raise TypeError(f"{where}: the categories of Categorical are strings, got {got}: {', '.join(advice)}")


def _float(domain: Float, where: str) -> search_space_pb2.FloatDomain:
    scale = search_space_pb2.SCALE_LINEAR
    if domain.log:
        scale = search_space_pb2.SCALE_LOG
    elif domain.reverse_log:
        scale = search_space_pb2.SCALE_REVERSE_LOG
    return search_space_pb2.FloatDomain(
        min=real(domain.min, f"{where}.min"),
        max=real(domain.max, f"{where}.max"),
        scale=scale,
        step=None if domain.step is None else real(domain.step, f"{where}.step"),
    )


def _int(domain: Int, where: str) -> search_space_pb2.IntDomain:
    return search_space_pb2.IntDomain(
        min=whole(domain.min, f"{where}.min"),
        max=whole(domain.max, f"{where}.max"),
        scale=search_space_pb2.SCALE_LOG if domain.log else search_space_pb2.SCALE_LINEAR,
        step=None if domain.step is None else whole(domain.step, f"{where}.step"),
    )


def decode_space(study: study_pb2.Study, _: str = "") -> dict[str, Domain | Derived]:
    """The search space of a study."""
    space = study.search_space
    return {**decode_domains(space), **{each.name: Derived(each.expression) for each in space.derived_parameters}}


def decode_domains(space: search_space_pb2.SearchSpace) -> dict[str, Domain]:
    """The parameters of a search space, without derived ones."""
    return {parameter.name: _whole_domain(parameter) for parameter in space.parameters}


def _whole_domain(wire: search_space_pb2.Parameter) -> Domain:
    domain = _domain(wire)
    if wire.context:
        domain = replace(domain, context=True)
    if wire.HasField("fidelity") and isinstance(domain, Float | Int | Discrete):
        said = wire.fidelity
        fidelity = Fidelity(said.fixed_cost_share, said.reduction_factor or Fidelity().reduction_factor)
        domain = replace(domain, fidelity=fidelity)
    if not wire.HasField("condition"):
        return domain
    when = {wire.condition.parent: tuple(map(decode_value, wire.condition.values))}
    return replace(domain, when=when)


def _domain(wire: search_space_pb2.Parameter) -> Domain:
    default = decode_value(wire.default_value) if wire.HasField("default_value") else None
    match wire.WhichOneof("domain"):
        case "float_domain":
            real_ = wire.float_domain
            return Float(
                real_.min,
                real_.max,
                log=real_.scale == search_space_pb2.SCALE_LOG,
                step=real_.step if real_.HasField("step") else None,
                reverse_log=real_.scale == search_space_pb2.SCALE_REVERSE_LOG,
                default=None if default is None else float(default),
                prior=_decode_prior(wire),
            )
        case "int_domain":
            whole_ = wire.int_domain
            return Int(
                whole_.min,
                whole_.max,
                log=whole_.scale == search_space_pb2.SCALE_LOG,
                # A step of 1 is every whole number, which is what no step means.
                step=whole_.step if whole_.HasField("step") and whole_.step != 1 else None,
                default=None if default is None else int(default),
                prior=_decode_prior(wire),
            )
        case "discrete_domain":
            numbers = [number(decode_value(value), wire.name) for value in wire.discrete_domain.values]
            return Discrete(
                numbers, default=None if default is None else number(default, wire.name), prior=_decode_prior(wire)
            )
        case "categorical_domain":
            return Categorical(
                list(wire.categorical_domain.values),
                default=None if default is None else str(default),
                prior=_decode_weights(wire),
            )
        case "bool_domain":
            return Bool(default=None if default is None else bool(default), prior=_decode_weights(wire))
        case _:
            raise ValueError(f"parameter {wire.name!r} is of a kind that this client does not know: upgrade asktell")
