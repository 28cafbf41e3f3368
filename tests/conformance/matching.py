"""Compares an answer with what a case expects of it: only what is written in the case counts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from google.protobuf import text_format
from google.protobuf.message import Message

Field: TypeAlias = Any
"""A field descriptor: protobuf has two classes of them, by implementation."""


def differences(written: Mapping[str, Any], expected: Message, actual: Message, where: str = "") -> Iterator[str]:
    """Yields what differs, in words.

    `written` is the YAML that `expected` was parsed from: it says which fields to compare, those too that are written
    with their default (`attempt: 0`), which a message alone cannot tell.
    """
    for key in written:
        field = expected.DESCRIPTOR.fields_by_name[key]
        path = f"{where}.{key}" if where else key
        wanted, found = getattr(expected, key), getattr(actual, key)
        if _is_map(field):
            yield from _map(written[key], field, wanted, found, path)
        elif field.is_repeated:
            yield from _list(written[key], field, wanted, found, path)
        elif field.has_presence and not actual.HasField(key):
            yield f"{path} is not set"
        else:
            yield from _single(written[key], field, wanted, found, path)


def _single(written: Any, field: Field, wanted: Any, found: Any, where: str) -> Iterator[str]:
    if field.message_type is not None and isinstance(written, Mapping):
        yield from differences(written, wanted, found, where)
    elif not same(wanted, found):
        yield f"{where}: expected {show(field, wanted)}, got {show(field, found)}"


def _list(written: Any, field: Field, wanted: Any, found: Any, where: str) -> Iterator[str]:
    if len(wanted) != len(found):
        yield f"{where}: expected {len(wanted)}, got {len(found)}: {[show(field, each) for each in found]}"
        return
    for index, (each, want, have) in enumerate(zip(written, wanted, found, strict=True)):
        yield from _single(each, field, want, have, f"{where}[{index}]")


def _map(written: Mapping[str, Any], field: Field, wanted: Any, found: Any, where: str) -> Iterator[str]:
    if set(wanted) != set(found):
        yield f"{where}: expected the keys {sorted(wanted)}, got {sorted(found)}"
        return
    for key, value in written.items():
        entry = field.message_type.fields_by_name["value"]
        yield from _single(value, entry, wanted[key], found[key], f"{where}[{key}]")


def _is_map(field: Field) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def same(wanted: Any, found: Any) -> bool:
    """Equal, to the bit: NaN equals NaN."""
    if isinstance(wanted, float) and math.isnan(wanted):
        return isinstance(found, float) and math.isnan(found)
    return bool(wanted == found)


def show(field: Field, value: Any) -> str:
    """A value for people; enums by name."""
    if isinstance(value, Message):
        return "{" + text_format.MessageToString(value, as_one_line=True, as_utf8=True)[:300] + "}"
    if field.enum_type is not None:
        name = field.enum_type.values_by_number.get(value)
        return name.name if name is not None else str(value)
    return repr(value)
