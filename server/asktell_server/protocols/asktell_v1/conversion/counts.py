"""Numbers of items, looked at before the items are: a request may have millions of them, and nobody may wait for that."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import TypeVar

from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.study import MAX_ANNOTATIONS_BYTES, MAX_LABELS

MAX_METRICS = 1000
"""Of one result; a study declares a tenth."""
MAX_PATHS = 1000
"""Of an update mask."""

S = TypeVar("S", bound=Sized)


def few(items: S, most: int, where: str, what: str) -> S:
    """The items, if they are not more than `most`. Raises InvalidArgument otherwise."""
    if len(items) > most:
        raise InvalidArgument(where, f"must hold at most {most} {what}, got {len(items)}")
    return items


def labels_from(labels: Mapping[str, str], where: str) -> dict[str, str]:
    """Reads labels; what is in them is checked by `validate_labels`."""
    return dict(few(labels, MAX_LABELS, where, "labels"))


def annotations_from(annotations: Mapping[str, str], where: str) -> dict[str, str]:
    """Reads annotations; their size is checked by `validate_annotations`."""
    if len(annotations) > MAX_ANNOTATIONS_BYTES // 2:  # so many different keys are too large by themselves
        raise InvalidArgument(where, f"must have at most {MAX_ANNOTATIONS_BYTES} bytes in all")
    return dict(annotations)
