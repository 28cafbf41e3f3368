"""The parts of a view as bytes, and the manifest that says which parts a snapshot has."""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from asktell_server import __version__
from asktell_server.domain.standings import Standing
from asktell_server.domain.trial import Trial
from asktell_server.service.trial_book import Shelf, shelved
from asktell_server.service.view_parts import ViewPart
from asktell_server.store.codec import CodecError, digest, seal, unseal

FORM = f"4 {__version__} {sys.byteorder}"
"""Rises with any change of what a part holds. Other versions of the server may also work out other values."""

_LENGTH = struct.Struct(">I")
"""Of what is sealed, in bytes."""
_KNOWN, _RANKED, _IMPORTED = 1, 2, 4
_AS_STANDING = partial(tuple.__new__, Standing)
"""What `Standing._make` does, without Python's own steps."""


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


def sealed_part(index: int, part: ViewPart) -> tuple[bytes, Sequence[Shelf]]:
    """A part as bytes, and its trials on shelves: a head, and a tail of data that reading takes as they are."""
    shelves = shelved(part.trials)
    tail = [data for _, data in shelves]
    head = {
        "index": index,
        "shelves": [(shelf.numbers, shelf.revisions, shelf.states, len(data)) for shelf, data in shelves],
        "ended": part.ended,
        "history": [_column_to(column, tail) for column in part.history],
        "surprises": part.surprises,
        "standings": _standings_to(part.standings, tail),
        "measurements": part.measurements,
        "curves": part.curves,
    }
    data = b"".join(tail)
    sealed = seal({**head, "tail": digest(data)})
    return b"".join((_LENGTH.pack(len(sealed)), sealed, data)), [shelf for shelf, _ in shelves]


def read_part(index: int, sealed: bytes) -> ViewPart:
    """The inverse of `sealed_part`. Raises NoSnapshot."""
    if len(sealed) < _LENGTH.size:
        raise NoSnapshot("it is cut off")
    end = _LENGTH.size + _LENGTH.unpack_from(sealed)[0]
    head = _unsealed(sealed[_LENGTH.size : end])
    if head["index"] != index:
        raise NoSnapshot(f"part {head['index']} stands in the place of part {index}")
    tail = _Tail(sealed[end:])
    if digest(tail.data) != head["tail"]:
        raise NoSnapshot("its checksum is wrong")
    trials: dict[int, Trial | Shelf] = {}
    for numbers, revisions, states, length in head["shelves"]:
        trials.update(dict.fromkeys(numbers, Shelf(numbers, revisions, states, tail.take(length))))
    return ViewPart(
        trials=trials,
        ended=head["ended"],
        history=[_column_from(column, tail) for column in head["history"]],
        surprises=head["surprises"],
        standings=_standings_from(head["standings"], tail),
        measurements=head["measurements"],
        curves=head["curves"],
    )


class _Tail:
    """The tail of a part, to be taken in the order in which it was put together."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        """The next bytes."""
        self._at += length
        return self.data[self._at - length : self._at]


def _numbers_to(numbers: array[Any], tail: list[bytes]) -> tuple[str, int, bool]:
    """Puts numbers at the end of the tail, compressed only where that helps: most doubles only take time to unpack."""
    data = numbers.tobytes()
    compressed = zlib.compress(data, level=1)
    helps = 4 * len(compressed) < 3 * len(data)
    tail.append(compressed if helps else data)
    return numbers.typecode, len(tail[-1]), helps


def _numbers_from(column: tuple[str, int, bool], tail: _Tail) -> array[Any]:
    kind, length, compressed = column
    data = tail.take(length)
    numbers: array[Any] = array(kind)
    numbers.frombytes(zlib.decompress(data) if compressed else data)
    return numbers


def _standings_to(standings: Sequence[Standing | None], tail: list[bytes]) -> tuple[Any, Any, Sequence[Any]]:
    """What is known of each trial and whether it is imported (a byte each), when it ended, and the ranks by columns."""
    kinds = array(
        "B",
        (
            each is not None and _KNOWN | (each.rank is not None and _RANKED) | (each.imported and _IMPORTED)
            for each in standings
        ),
    )
    ends = array("q", (0 if each is None else each.end for each in standings))
    ranks = zip(*(each.rank for each in standings if each is not None and each.rank is not None), strict=True)
    return (
        _numbers_to(kinds, tail),
        _numbers_to(ends, tail),
        [_numbers_to(array("d", column), tail) for column in ranks],
    )


def _standings_from(columns: tuple[Any, Any, Sequence[Any]], tail: _Tail) -> Sequence[Standing | None]:
    kinds, ends = _numbers_from(columns[0], tail), _numbers_from(columns[1], tail)
    ranks = zip(*(_numbers_from(column, tail) for column in columns[2]), strict=True)
    if all(map(_RANKED.__and__, kinds)):  # the usual case, in a third of the time
        imported = map((_IMPORTED.__and__), kinds)
        return list(map(_AS_STANDING, zip(ranks, map(bool, imported), ends, strict=True)))
    return [
        Standing(next(ranks) if kind & _RANKED else None, bool(kind & _IMPORTED), end) if kind else None
        for kind, end in zip(kinds, ends, strict=True)
    ]


def _column_to(column: Sequence[Any], tail: list[bytes]) -> tuple[str, Any]:
    """A column of a history: numbers, outcomes, or configurations by parameter."""
    if isinstance(column, array):
        return "numbers", _numbers_to(column, tail)
    if isinstance(column, bytearray):
        return "outcomes", bytes(column)
    return "keys", [_values_to(values, tail) for values in zip(*column, strict=True)]


def _column_from(column: tuple[str, Any], tail: _Tail) -> Sequence[Any]:
    kind, content = column
    if kind == "numbers":
        return _numbers_from(content, tail)
    if kind == "outcomes":
        return bytes(content)
    return list(zip(*(_values_from(values, tail) for values in content), strict=True))


def _values_to(values: Sequence[Any], tail: list[bytes]) -> tuple[str, Any]:
    """The values of one parameter."""
    if all(type(value) is float for value in values):
        return "numbers", _numbers_to(array("d", values), tail)
    return "values", values


def _values_from(values: tuple[str, Any], tail: _Tail) -> Sequence[Any]:
    kind, content = values
    return _numbers_from(content, tail) if kind == "numbers" else content
