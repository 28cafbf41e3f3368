"""Katib's parameters, whose values are texts, as a search space. They travel by number: Katib takes any name."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.space import (
    CategoricalDomain,
    Configuration,
    DiscreteDomain,
    Domain,
    FloatDomain,
    IntDomain,
    NormalPrior,
    Parameter,
    ParameterValue,
    Scale,
    SearchSpace,
)
from asktell_server.protocols.katib.wire import api_pb2

Number = TypeVar("Number", int, float)

FIELD = "problem.search_space"
"""How the use case calls the space in its errors."""
_IN_SPACE = re.compile(rf"{re.escape(FIELD)}\.parameters\[(\d+)\](?:\.(?:[a-z]+_domain|prior)(?:\.(\w+))?)?.*")
_FEASIBLE = {"min": "min", "max": "max", "step": "step", "values": "list", "scale": "distribution"}
DEVIATION = 1 / 6
"""Of a normal distribution, as a share of the range: Katib's own services take a sixth."""
_MOST_STEPS = 1000
_LOG = {api_pb2.LOG_UNIFORM, api_pb2.LOG_NORMAL}
_NORMAL = {api_pb2.NORMAL, api_pb2.LOG_NORMAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A parameter: what of it is searched (None = it has one value), and the values' texts where these were given."""

    name: str
    parameter: Parameter | None
    texts: dict[ParameterValue, str] = field(default_factory=dict)
    only: str = ""


class Parameters:
    """The parameters of an experiment."""

    def __init__(self, specs: Iterable[api_pb2.ParameterSpec]) -> None:
        """Raises InvalidArgument: one of them cannot be read."""
        self._read = [_read(spec, f"p{index}") for index, spec in enumerate(specs)]
        self.space = SearchSpace(parameters=tuple(each.parameter for each in self._read if each.parameter is not None))

    def configuration(self, assignments: Iterable[api_pb2.ParameterAssignment]) -> dict[str, ParameterValue] | None:
        """A trial's configuration; None where it is none of the space, which may have changed since."""
        given = {each.name: each.value for each in assignments}
        try:
            values = {
                each.parameter.name: _value(each, given[each.name]) for each in self._read if each.parameter is not None
            }
            return self.space.normalize(values, field="parameters")
        except (InvalidArgument, KeyError, ValueError):
            return None

    def assignments(self, configuration: Configuration) -> list[api_pb2.ParameterAssignment]:
        """A configuration in Katib's names and texts."""
        return [
            api_pb2.ParameterAssignment(
                name=each.name,
                value=each.only if each.parameter is None else _text(each, configuration[each.parameter.name]),
            )
            for each in self._read
        ]

    def renamed(self, error: InvalidArgument) -> str:
        """What an error of the space says, in Katib's words."""
        path = error.metadata.get("field", "")
        match = _IN_SPACE.fullmatch(path)
        if match is None:
            return error.message.removeprefix(f"{path}: ")
        searched = [each.name for each in self._read if each.parameter is not None]
        key = _FEASIBLE.get(match[2] or "", "")
        where = f"parameter {searched[int(match[1])]}"
        return f"{where}: {f'feasibleSpace.{key} ' if key else ''}{error.message.removeprefix(f'{path}: ')}"


def _read(spec: api_pb2.ParameterSpec, key: str) -> _Read:
    space = spec.feasible_space
    match spec.parameter_type:
        case api_pb2.DOUBLE:
            return _range(spec, key, _number(spec, "min", float), _number(spec, "max", float), float)
        case api_pb2.INT:
            return _range(spec, key, _number(spec, "min", int), _number(spec, "max", int), int)
        case api_pb2.DISCRETE:
            return _levels(spec, key, _numbers(spec))
        case api_pb2.CATEGORICAL:
            return _levels(spec, key, {text: text for text in space.list})
    raise _wrong(spec, "parameterType must be double, int, discrete or categorical")


def _range(spec: api_pb2.ParameterSpec, key: str, low: Number, high: Number, kind: type[Number]) -> _Read:
    if low == high:
        return _Read(name=spec.name, parameter=None, only=spec.feasible_space.min)
    if low > high:
        raise _wrong(spec, f"feasibleSpace.min must be at most max, got {low} and {high}")
    distribution = spec.feasible_space.distribution
    scale = Scale.LOG if distribution in _LOG else Scale.LINEAR
    if scale is Scale.LOG and low <= 0:
        raise _wrong(spec, f"feasibleSpace.min must be above 0 for a logarithmic distribution, got {low}")
    step = _number(spec, "step", kind) if spec.feasible_space.step else None
    if step is not None and step <= 0:
        raise _wrong(spec, f"feasibleSpace.step must be above 0, got {step}")
    domain: Domain
    if scale is Scale.LOG and step is not None and not (kind is int and step == 1):  # no domain has both
        count = math.floor((high - low) / step + 1e-9) + 1
        if count > _MOST_STEPS:
            raise _wrong(spec, f"feasibleSpace.step gives {count} values; on a logarithmic scale at most {_MOST_STEPS}")
        return _levels(spec, key, {low + index * step: _show(low + index * step) for index in range(count)})
    if kind is int:
        domain = IntDomain(min=int(low), max=int(high), scale=scale, step=int(step or 1))
    else:
        domain = FloatDomain(min=low, max=high, scale=scale, step=step)
    prior = None
    if distribution in _NORMAL:
        middle = math.sqrt(low * high) if scale is Scale.LOG else (low + high) / 2
        prior = NormalPrior(mean=middle, relative_standard_deviation=DEVIATION)
    return _Read(name=spec.name, parameter=Parameter(name=key, domain=domain, prior=prior))


def _levels(spec: api_pb2.ParameterSpec, key: str, texts: dict[ParameterValue, str]) -> _Read:
    if not texts:
        raise _wrong(spec, "feasibleSpace.list must not be empty")
    if len(texts) == 1:
        return _Read(name=spec.name, parameter=None, only=next(iter(texts.values())))
    domain: Domain
    if spec.parameter_type == api_pb2.CATEGORICAL:
        domain = CategoricalDomain(values=tuple(map(str, texts)))
    else:
        domain = DiscreteDomain(values=tuple(sorted(value for value in texts if not isinstance(value, str))))
    return _Read(name=spec.name, parameter=Parameter(name=key, domain=domain), texts=texts)


def _numbers(spec: api_pb2.ParameterSpec) -> dict[ParameterValue, str]:
    """The texts of a list by their numbers, all ints or all floats."""
    for kind in (int, float):
        try:
            return {kind(text): text for text in spec.feasible_space.list}
        except ValueError:
            pass
    raise _wrong(spec, "feasibleSpace.list must hold numbers")


def _number(spec: api_pb2.ParameterSpec, name: str, kind: type[Number]) -> Number:
    text: str = getattr(spec.feasible_space, name)
    try:
        number = kind(text)
        is_finite = math.isfinite(number)
    except (OverflowError, ValueError):  # an int may be beyond any float
        raise _wrong(spec, f"feasibleSpace.{name} must be {_KINDS[kind]}, got {text[:64]!r}") from None
    if not is_finite:
        raise _wrong(spec, f"feasibleSpace.{name} must be finite, got {text!r}")
    return number


_KINDS = {int: "a whole number", float: "a number"}


def _value(read: _Read, text: str) -> ParameterValue:
    """The value of a trial's text. Raises ValueError: it is none."""
    assert read.parameter is not None, "what has one value is not read"
    match read.parameter.domain:
        case FloatDomain():
            return float(text)
        case IntDomain():
            return int(text)
        case CategoricalDomain():
            return text
    return next(value for value in (*_same(read.texts, text), *_near(read.texts, float(text))))


def _same(texts: dict[ParameterValue, str], text: str) -> Sequence[ParameterValue]:
    return [value for value, known in texts.items() if known == text]


def _near(texts: dict[ParameterValue, str], number: float) -> Sequence[ParameterValue]:
    """The value that is meant by another text of the same number."""
    near = [value for value in texts if not isinstance(value, str) and math.isclose(value, number, rel_tol=1e-9)]
    if not near:
        raise ValueError(f"{number} is not in the list")
    return near


def _text(read: _Read, value: ParameterValue) -> str:
    return read.texts.get(value) or _show(value)


def _show(value: ParameterValue) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _wrong(spec: api_pb2.ParameterSpec, message: str) -> InvalidArgument:
    return InvalidArgument(f"parameter {spec.name[:128]}", message)
