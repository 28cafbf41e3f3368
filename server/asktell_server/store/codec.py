"""Domain values as bytes: one schema byte, then MessagePack.

Whole numbers stay whole, doubles keep every bit, times are microseconds since 1970 UTC. Fields that this version does
not know are ignored and missing ones get their default, so that servers of neighbouring versions can share a store; a
change that an older reader would misread must raise SCHEMA.

A trial's number and revision, and a study's revision, are not in the blob: the store gives them when it writes.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

import msgpack
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.strategies import configure_tagged_union

from asktell_server.domain.algorithm import Algorithm
from asktell_server.domain.early_stopping import AutoStopping, StoppingRule, WilcoxonStopping
from asktell_server.domain.errors import AsktellError
from asktell_server.domain.goals import Goals
from asktell_server.domain.linear import LinearConstraint
from asktell_server.domain.linear_text import read_constraint
from asktell_server.domain.metrics import Measurement, Metric
from asktell_server.domain.parents import PastResult
from asktell_server.domain.provenance import Provenance
from asktell_server.domain.space import (
    BoolDomain,
    CategoricalDomain,
    DiscreteDomain,
    Domain,
    FloatDomain,
    IntDomain,
    NormalPrior,
    ParameterValue,
    Prior,
    SearchSpace,
    WeightsPrior,
)
from asktell_server.domain.study import FinishReason, Study
from asktell_server.domain.times import from_microseconds, to_microseconds
from asktell_server.domain.trial import UNNAMED_METRIC, Belief, Prediction, Result, Trial

SCHEMA = 1
_SCHEMA_OF_GOALS = 2
"""Of studies that older servers would take for studies of one objective, without constraints."""
_SCHEMA_OF_CONDITIONS = 3
"""Of studies whose parameters older servers would take for ones that always exist."""
_SCHEMA_OF_RICHER_SPACES = 4
"""Of studies whose constraints on parameters older servers would not keep, whose derived parameters they would not deliver, or whose
context they would choose, or whose priors or cost metric they would ignore."""
_SCHEMA_OF_EARLY_STOPPING = 5
"""Of studies whose trials older servers would not stop."""
_SCHEMA_OF_PARENTS = 6
"""Of studies whose suggestions older servers would make without the results of their parents, or to whose former data they would give
the weight of the present one."""
_SCHEMA_OF_FIDELITY = 7
"""Of studies whose fidelity older servers would choose like any other parameter, and whose trials at low ones they would take for the best,
or whose rules they do not know: ones of stopping by worth, and of early stopping by forecasts or signed ranks."""
_NEWEST = _SCHEMA_OF_FIDELITY
SEALED_SCHEMA = 2
"""Of what `seal` makes; rises, too, when the meaning of something in it changes."""

_DIGEST_BYTES = 12
_DOMAIN_TAGS: dict[type, str] = {
    FloatDomain: "float",
    IntDomain: "int",
    DiscreteDomain: "discrete",
    CategoricalDomain: "categorical",
    BoolDomain: "bool",
}

_PRIOR_TAGS: dict[type, str] = {NormalPrior: "normal", WeightsPrior: "weights"}

_T = TypeVar("_T")


class CodecError(Exception):
    """Stored bytes cannot be read: written by a newer server, or damaged."""


def encode_trial(trial: Trial) -> bytes:
    """A trial without its number and revision."""
    data = _converter.unstructure(trial, unstructure_as=Trial)
    data.pop("number", None)
    data.pop("revision", None)
    return _pack(data)


def decode_trial(blob: bytes, *, number: int, revision: int) -> Trial:
    """A trial with the number and revision that the store keeps outside the blob."""
    data = _unpack(blob)
    data["number"] = number
    data["revision"] = revision
    return _structure(data, Trial)


def encode_study(study: Study) -> bytes:
    """A study without its revision."""
    data = _converter.unstructure(study, unstructure_as=Study)
    data.pop("revision", None)
    data |= data.pop("goals")  # stored as fields of the study
    return _pack(data, schema=_schema_of(study))


def _schema_of(study: Study) -> int:
    """The least schema whose readers understand all that the study says."""
    newer_rules = any(isinstance(rule, AutoStopping | WilcoxonStopping) for rule in study.early_stopping)
    by_worth = study.stopping.min_expected_gain is not None or study.finish_reason is FinishReason.LITTLE_TO_GAIN
    if study.space.fidelity is not None or newer_rules or by_worth:
        return _SCHEMA_OF_FIDELITY
    if study.parents or study.reopenings:
        return _SCHEMA_OF_PARENTS
    if study.early_stopping:
        return _SCHEMA_OF_EARLY_STOPPING
    space = study.space
    richer = any(parameter.prior is not None or parameter.context for parameter in space.parameters)
    if space.parameter_constraints or space.derived or richer or study.goals.cost_metric:
        return _SCHEMA_OF_RICHER_SPACES
    if space.forest is not None:
        return _SCHEMA_OF_CONDITIONS
    plain = len(study.goals.objectives) == 1 and not study.goals.outcome_constraints
    return SCHEMA if plain else _SCHEMA_OF_GOALS


@lru_cache(maxsize=256)  # every read of a study's head brings the same specification again
def decode_study(blob: bytes, *, revision: int) -> Study:
    """A study with the revision that the store keeps outside the blob."""
    data = _unpack(blob)
    data["revision"] = revision
    data["goals"] = {field.name: data.pop(field.name) for field in fields(Goals) if field.init and field.name in data}
    return _structure(data, Study)


def encode_measurement(measurement: Measurement) -> bytes:
    """A measurement."""
    return _pack(_converter.unstructure(measurement, unstructure_as=Measurement))


def decode_measurement(blob: bytes) -> Measurement:
    """The inverse of `encode_measurement`."""
    return _structure(_unpack(blob), Measurement)


def decode_points(blob: bytes) -> tuple[int, dict[str, float]]:
    """A measurement's step, and its metrics' values without their standard errors; faster than all of it."""
    data = _unpack(blob)
    try:
        return data["step"], {name: metric["value"] for name, metric in data["metrics"].items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise CodecError("a stored measurement cannot be read") from error


def seal(data: dict[str, Any]) -> bytes:
    """Plain values (what MessagePack knows) under a schema byte, compressed, with a checksum: for what can be made again."""
    body = zlib.compress(msgpack.packb(data), level=1)
    return bytes([SEALED_SCHEMA]) + digest(body) + body


def unseal(blob: bytes) -> dict[str, Any]:
    """The inverse of `seal`, with tuples for lists: the garbage collector soon leaves them out. Raises CodecError: another schema, or damaged."""
    if not blob or blob[0] != SEALED_SCHEMA:
        raise CodecError(f"sealed with schema {blob[0] if blob else 'none'}, this server reads {SEALED_SCHEMA}")
    checksum, body = blob[1 : 1 + _DIGEST_BYTES], blob[1 + _DIGEST_BYTES :]
    if digest(body) != checksum:
        raise CodecError("its checksum is wrong")
    data: dict[str, Any] = msgpack.unpackb(zlib.decompress(body), strict_map_key=False, use_list=False)
    return data


def digest(data: bytes) -> bytes:
    """12 bytes that tell data apart from other or damaged data."""
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()


def _pack(data: dict[str, Any], *, schema: int = SCHEMA) -> bytes:
    packed: bytes = msgpack.packb(data)
    return bytes([schema]) + packed


def _unpack(blob: bytes) -> dict[str, Any]:
    if not blob or not SCHEMA <= blob[0] <= _NEWEST:
        raise CodecError(f"stored with schema {blob[0] if blob else 'none'}, this server reads {SCHEMA} to {_NEWEST}")
    try:
        data: dict[str, Any] = msgpack.unpackb(memoryview(blob)[1:])
    except ValueError as error:
        raise CodecError("a stored value is damaged") from error
    return data


def _structure(data: dict[str, Any], kind: type[_T]) -> _T:
    try:
        return _converter.structure(data, kind)
    except (KeyError, TypeError, ValueError, AsktellError) as error:
        raise CodecError(f"a stored {kind.__name__.lower()} cannot be read") from error


def _as_it_is(value: Any, _: object) -> Any:
    return value


def _prediction_to(prediction: Prediction) -> dict[str, Any]:
    """The first belief has the names under which older servers read the only one; they ignore the others."""
    (metric, first), *others = prediction.beliefs.items()
    data = {
        "mean": first.mean,
        "standard_deviation": first.standard_deviation,
        "acquisition_value": prediction.acquisition_value,
        "metric": metric,
    }
    if others:
        data["others"] = {name: [belief.mean, belief.standard_deviation] for name, belief in others}
    return data


def _prediction_from(data: dict[str, Any], _: object) -> Prediction:
    first = Belief(mean=data["mean"], standard_deviation=data["standard_deviation"])
    others = {
        name: Belief(mean=mean, standard_deviation=deviation)
        for name, (mean, deviation) in data.get("others", {}).items()
    }
    return Prediction(
        beliefs={data.get("metric", UNNAMED_METRIC): first, **others}, acquisition_value=data["acquisition_value"]
    )


def _compressed(converter: Converter) -> Callable[[tuple[PastResult, ...]], bytes]:
    """Every read of a study's head brings what it has taken over of its parents: a third of the bytes this way."""

    def compressed(results: tuple[PastResult, ...]) -> bytes:
        return zlib.compress(
            msgpack.packb([converter.unstructure(each, unstructure_as=PastResult) for each in results])
        )

    return compressed


def _decompressed(converter: Converter) -> Callable[[bytes, object], tuple[PastResult, ...]]:
    def decompressed(data: bytes, _: object) -> tuple[PastResult, ...]:
        return tuple(converter.structure(each, PastResult) for each in msgpack.unpackb(zlib.decompress(data)))

    return decompressed


def _make_converter() -> Converter:
    # Validation errors need no paths: only our own writers fill the store. Without them decoding is twice as fast.
    converter = Converter(detailed_validation=False)
    converter.register_unstructure_hook(datetime, to_microseconds)
    converter.register_structure_hook(datetime, lambda value, _: from_microseconds(value))
    # MessagePack already tells int, double, str and bool apart; converting could only lose that.
    converter.register_structure_hook(ParameterValue, _as_it_is)
    converter.register_structure_hook(ParameterValue | None, _as_it_is)
    converter.register_structure_hook(int | float, _as_it_is)
    converter.register_structure_hook_func(lambda kind: kind == tuple[float, ...], lambda values, _: tuple(values))
    converter.register_unstructure_hook(Prediction, _prediction_to)
    converter.register_structure_hook(Prediction, _prediction_from)
    # Empty fields of trials are left out: they are most of them. A study's fields never are: their defaults are
    # settings, and a release that changes one must not change the studies that exist.
    # A hook takes those of its fields as they are then, so Trial comes last.
    stored = override(rename="beside")  # the field's name in what older servers have stored
    hook = make_dict_unstructure_fn(Provenance, converter, _cattrs_omit_if_default=True, prepared_pending=stored)
    converter.register_unstructure_hook(Provenance, hook)
    converter.register_structure_hook(
        Provenance, make_dict_structure_fn(Provenance, converter, prepared_pending=stored)
    )
    results = tuple[PastResult, ...]
    converter.register_unstructure_hook_func(lambda kind: kind == results, _compressed(converter))
    converter.register_structure_hook_func(lambda kind: kind == results, _decompressed(converter))
    converter.register_unstructure_hook(LinearConstraint, str)
    converter.register_structure_hook(LinearConstraint, lambda text, _: read_constraint(text, field="space"))
    for kind in (Metric, Measurement, Result, Trial):
        converter.register_unstructure_hook(
            kind, make_dict_unstructure_fn(kind, converter, _cattrs_omit_if_default=True)
        )
    configure_tagged_union(Prior, converter, tag_name="kind", tag_generator=_PRIOR_TAGS.__getitem__)
    converter.register_unstructure_hook(
        Prior | None, lambda prior: None if prior is None else converter.unstructure(prior, unstructure_as=Prior)
    )
    converter.register_structure_hook(
        Prior | None,
        lambda data, _: None if data is None else converter.structure(data, Prior),  # type: ignore[arg-type]
    )
    configure_tagged_union(Domain, converter, tag_name="kind", tag_generator=_DOMAIN_TAGS.__getitem__)
    configure_tagged_union(Algorithm, converter, tag_name="kind", tag_generator=_kind_of)
    configure_tagged_union(StoppingRule, converter, tag_name="kind", tag_generator=_kind_of)
    # Of a space only the constraints may be left out, where there are none.
    converter.register_unstructure_hook(
        SearchSpace, make_dict_unstructure_fn(SearchSpace, converter, _cattrs_omit_if_default=True)
    )
    return converter


def _kind_of(kind: type) -> str:
    tag: str = kind.kind  # type: ignore[attr-defined]  # every member of the unions has it
    return tag


_converter = _make_converter()
