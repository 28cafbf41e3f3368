"""Python values to wire values and back: parameter values, metrics, times."""

from __future__ import annotations

import enum
import math
import numbers
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from asktell.records import MetricInput, MetricValue
from asktell.spaces import ParameterValue
from asktell.v1 import search_space_pb2, suggestion_service_pb2, trial_pb2

_INT64 = 2**63
E = TypeVar("E", bound=enum.StrEnum)


def scalar(value: object, where: str) -> ParameterValue:
    """A plain bool, int, float or str; NumPy's scalars and zero-dimensional arrays and tensors are unwrapped.

    Raises:
        TypeError: it is anything else; `where` names it.
    """
    unwrap: Any = getattr(value, "item", None)
    if callable(unwrap) and not isinstance(value, bool | int | float | str):
        try:
            value = unwrap()
        except (TypeError, ValueError, RuntimeError):
            raise TypeError(f"{where} must be one value, got {type(value).__name__} of several") from None
    if isinstance(value, bool | str):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    raise TypeError(f"{where} must be a number, a string or a bool, got {type(value).__name__} {value!r:.80}")


def boolean(value: object, where: str) -> bool:
    """True or false. Raises TypeError: it is something else."""
    plain = scalar(value, where)
    if not isinstance(plain, bool):
        raise TypeError(f"{where} must be True or False, got {type(plain).__name__} {plain!r:.80}")
    return plain


def number(value: object, where: str) -> float:
    """A plain int or float. Raises TypeError: it is something else (a bool, too)."""
    plain = scalar(value, where)
    if isinstance(plain, bool | str):
        raise TypeError(f"{where} must be a number, got {type(plain).__name__} {plain!r:.80}")
    return plain


def real(value: object, where: str) -> float:
    """A float. Raises TypeError: not a number. ValueError: an int that no double holds."""
    try:
        return float(number(value, where))
    except OverflowError:
        raise ValueError(f"{where} is too large for a double") from None


def whole(value: object, where: str) -> int:
    """An int of 64 bits. Raises TypeError: not an int (2.0 is none either). ValueError: too large."""
    plain = number(value, where)
    if not isinstance(plain, int):
        raise TypeError(f"{where} must be a whole number, got {plain!r}")
    if not -_INT64 <= plain < _INT64:
        raise ValueError(f"{where} must fit 64 bits, got {plain}")
    return plain


def text(value: object, where: str) -> str:
    """A string. Raises TypeError: it is something else."""
    if not isinstance(value, str):
        raise TypeError(f"{where} must be a string, got {type(value).__name__} {value!r:.80}")
    return value


def encode_texts(texts: Mapping[str, str], where: str) -> dict[str, str]:
    """Labels or annotations on the wire. Raises TypeError: a key or a value is no string."""
    return {text(key, f"a key of {where}"): text(value, f"{where}[{key!r}]") for key, value in texts.items()}


def encode_value(value: object, where: str) -> search_space_pb2.ParameterValue:
    """A parameter value on the wire, of its own kind: an int stays an int."""
    plain = scalar(value, where)
    if isinstance(plain, bool):
        return search_space_pb2.ParameterValue(bool_value=plain)
    if isinstance(plain, str):
        return search_space_pb2.ParameterValue(string_value=plain)
    if isinstance(plain, int):
        return search_space_pb2.ParameterValue(int_value=whole(plain, where))
    return search_space_pb2.ParameterValue(double_value=plain)


def encode_configuration(
    params: Mapping[str, ParameterValue], where: str = "params"
) -> dict[str, search_space_pb2.ParameterValue]:
    """A configuration on the wire."""
    if not isinstance(params, Mapping):
        raise TypeError(f"{where} must map names to values, got {type(params).__name__}")
    return {name: encode_value(value, f"{where}[{name!r}]") for name, value in params.items()}


def decode_value(value: search_space_pb2.ParameterValue) -> ParameterValue:
    """The Python value of a wire value."""
    kind = value.WhichOneof("kind")
    if kind is None:
        raise ValueError("a parameter value without a kind: the server is newer than this client")
    plain: ParameterValue = getattr(value, kind)
    return plain


def decode_configuration(
    params: Mapping[str, search_space_pb2.ParameterValue], order: Iterable[str] = ()
) -> dict[str, Any]:
    """The Python values of a configuration; in the given order of names, since maps have none on the wire."""
    return {name: decode_value(params[name]) for name in _ordered(params, order)}


def decode_params(
    holder: trial_pb2.Trial | suggestion_service_pb2.Suggestion, order: Iterable[str] = ()
) -> dict[str, Any]:
    """The Python values of a configuration and of what is derived from it."""
    return decode_configuration({**holder.parameters, **holder.derived_parameters}, order)


def _ordered(names: Iterable[str], order: Iterable[str]) -> list[str]:
    present = set(names)
    return list(dict.fromkeys([*(name for name in order if name in present), *sorted(present)]))


def encode_metrics(
    metrics: Mapping[str, MetricInput] | None, more: Mapping[str, MetricInput] | None = None
) -> dict[str, trial_pb2.Metric]:
    """Metrics on the wire. NaN and infinities pass: refusing them, in the same words everywhere, is the server's."""
    if metrics is not None and not isinstance(metrics, Mapping):
        raise TypeError(f"metrics must map names to numbers, got {type(metrics).__name__}")
    return {name: _metric(value, f"metrics[{name!r}]") for name, value in {**(metrics or {}), **(more or {})}.items()}


def _metric(value: MetricInput, where: str) -> trial_pb2.Metric:
    if not isinstance(value, MetricValue):
        return trial_pb2.Metric(value=real(value, where))
    error = value.standard_error
    return trial_pb2.Metric(
        value=real(value.value, f"{where}.value"),
        standard_error=None if error is None else real(error, f"{where}.standard_error"),
    )


def decode_metrics(metrics: Mapping[str, trial_pb2.Metric], order: Iterable[str] = ()) -> dict[str, float]:
    """The values of metrics, in the given order of names."""
    return {name: metrics[name].value for name in _ordered(metrics, order)}


class WireEnum(Protocol):
    """A generated enum: names by number."""

    def Name(self, number: Any) -> str: ...  # noqa: N802 # protobuf's own name


def decode_enum(kind: type[E], wire: WireEnum, code: int, prefix: str) -> E:
    """The member of `kind` for an enum number; UNSPECIFIED for one that this client does not know yet."""
    try:
        return kind(wire.Name(code).removeprefix(prefix))
    except ValueError:
        return kind("UNSPECIFIED")


def encode_time(value: datetime | None, where: str) -> Timestamp | None:
    """A time on the wire. Raises ValueError: it has no time zone; TypeError: it is no datetime."""
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise TypeError(f"{where} must be a datetime, got {type(value).__name__}")
    if value.tzinfo is None:
        raise ValueError(f"{where} must have a time zone, e.g. datetime(2026, 1, 31, tzinfo=timezone.utc)")
    wire = Timestamp()
    wire.FromDatetime(value)
    return wire


def decode_time(value: Timestamp) -> datetime | None:
    """A time with its time zone, UTC; None when it is not set."""
    return value.ToDatetime(tzinfo=UTC) if value.ByteSize() else None


def encode_seconds(seconds: float, where: str) -> Duration:
    """A duration on the wire."""
    plain = real(seconds, where)
    if not math.isfinite(plain):
        raise ValueError(f"{where} must be finite, got {plain}")
    wire = Duration()
    wire.FromTimedelta(timedelta(seconds=plain))
    return wire
