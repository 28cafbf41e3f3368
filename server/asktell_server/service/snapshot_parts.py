"""The parts of a view as bytes, and the manifest that says which parts a snapshot has."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from asktell_server import __version__
from asktell_server.domain.standings import Standing
from asktell_server.service.trial_book import Packed, packed
from asktell_server.service.view_parts import ViewPart
from asktell_server.store.codec import CodecError, seal, unseal

FORM = f"2 {__version__} {sys.byteorder}"
"""Rises with any change of what a part holds. Other versions of the server may also work out other values."""


class NoSnapshot(Exception):
    """There is no snapshot that can be used, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a snapshot consists of: for each part the names of its pieces, and their bytes together."""

    parts: Mapping[int, tuple[Sequence[str], int]]

    @property
    def pieces(self) -> list[str]:
        """All pieces, once each."""
        return list(dict.fromkeys(piece for pieces, _ in self.parts.values() for piece in pieces))

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(size for _, size in self.parts.values())

    def sealed(self) -> bytes:
        """For `of`."""
        return seal({"form": FORM, "parts": [[index, *part] for index, part in self.parts.items()]})

    @classmethod
    def of(cls, sealed: bytes) -> Manifest:
        """The inverse of `sealed`. Raises NoSnapshot."""
        data = _unsealed(sealed)
        if data["form"] != FORM:
            raise NoSnapshot(f"it has form {data['form']!r}, this server reads {FORM!r}")
        return cls(parts={index: (pieces, size) for index, pieces, size in data["parts"]})


def readable(manifest: bytes) -> Manifest | None:
    """The manifest, if this server can read it."""
    try:
        return Manifest.of(manifest)
    except NoSnapshot:
        return None


def _unsealed(blob: bytes) -> dict[str, Any]:
    try:
        return unseal(blob)
    except CodecError as error:
        raise NoSnapshot(str(error)) from error


def sealed_part(index: int, part: ViewPart) -> tuple[bytes, Mapping[int, Packed]]:
    """A part as bytes, and its trials in their packed form."""
    trials = {number: packed(kept) for number, kept in part.trials.items()}
    standings = [standing or (None, None, None) for standing in part.standings]
    data = {
        "index": index,
        "trials": [list(trials), *_columns(trials.values(), 3)],
        "ended": part.ended,
        "history": [_column_to(column) for column in part.history],
        "surprises": part.surprises,
        "standings": _columns(standings, 3),
        "measurements": part.measurements,
        "curves": part.curves,
    }
    return seal(data), trials


def read_part(index: int, sealed: bytes) -> ViewPart:
    """The inverse of `sealed_part`. Raises NoSnapshot."""
    data = _unsealed(sealed)
    if data["index"] != index:
        raise NoSnapshot(f"part {data['index']} stands in the place of part {index}")
    numbers, *trials = data["trials"]
    ranks, imported, ends = data["standings"]
    ranks = [None if rank is None else tuple(rank) for rank in ranks]
    rows = zip(ranks, imported, ends, strict=True)
    return ViewPart(
        trials=dict(zip(numbers, zip(*trials, strict=True), strict=True)),
        ended=data["ended"],
        history=[_column_from(kind, column) for kind, column in data["history"]],
        surprises=data["surprises"],
        standings=[None if row[-1] is None else Standing._make(row) for row in rows],
        measurements=data["measurements"],
        curves=data["curves"],
    )


def _columns(rows: Iterable[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    return list(zip(*rows, strict=True)) or [()] * width


def _column_to(column: Sequence[Any]) -> tuple[str, Any]:
    """A column of a history: numbers and outcomes as bytes, configurations by parameter."""
    if isinstance(column, array):
        return column.typecode, column.tobytes()
    if isinstance(column, bytearray):
        return "outcomes", bytes(column)
    return "keys", list(zip(*column, strict=True))


def _column_from(kind: str, column: Any) -> Sequence[Any]:
    if kind == "keys":
        return list(zip(*column, strict=True))
    if kind == "outcomes":
        return bytes(column)
    numbers: array[float] = array(kind)
    numbers.frombytes(column)
    return numbers
