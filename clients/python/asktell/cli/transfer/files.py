"""CSV and JSONL as lines of named cells, and back."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

FORMATS = ("csv", "jsonl")
_FORMAT_OF = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}

Cells: TypeAlias = Mapping[str, Any]
"""What a line holds by column. Nothing is there for empty cells of CSV and nulls of JSON."""

_GROUPS = {"params": "param", "metrics": "metric", "standard_errors": "standard_error"}
_TEXT_GROUPS = {"labels": "label", "annotations": "annotation"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `number`: where it begins in the file, from 1. `problem`: why it cannot be read; "" = it can."""

    number: int
    cells: Cells
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A file that has been read: the names of its columns, in order, and its lines."""

    columns: Sequence[str]
    lines: Sequence[Line]


def format_of(path: str) -> str | None:
    """The format that a file's name says; None = it says none."""
    return _FORMAT_OF.get(Path(path).suffix.lower())


def read(stream: IO[str], format_: str) -> Table:
    """Reads a file. Raises ValueError: it has no header, or one that names a column twice."""
    return _read_csv(stream) if format_ == "csv" else _read_jsonl(stream)


def _read_csv(stream: IO[str]) -> Table:
    rows = csv.reader(stream, strict=True)
    lines: list[Line] = []
    try:
        header = [name.strip() for name in next(rows, [])]
        if not any(header):
            raise ValueError("1: the first line must name the columns")
        twice = sorted({name for name in header if name and header.count(name) > 1})
        if twice:
            raise ValueError(f"1: two columns are called {twice[0]!r}")
        begins = rows.line_num + 1
        for row in rows:
            problem = f"has {len(row)} cells, the header {len(header)}" if row and len(row) != len(header) else ""
            if row:
                cells = {name: cell for name, cell in zip(header, row, strict=False) if name and cell.strip()}
                lines.append(Line(begins, cells, problem))
            begins = rows.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{rows.line_num}: {error}") from None
    return Table([name for name in header if name], lines)


def _read_jsonl(stream: IO[str]) -> Table:
    lines = []
    columns: dict[str, None] = {}
    for number, text in enumerate(stream, 1):
        if not text.strip():
            continue
        try:
            record = json.loads(text)
        except (ValueError, RecursionError) as error:
            lines.append(Line(number, {}, f"is no JSON: {getattr(error, 'msg', error)}"))
            continue
        if not isinstance(record, dict):
            lines.append(Line(number, {}, "must be an object: {…}"))
            continue
        cells = dict(_flat(record))
        columns.update(dict.fromkeys(cells))
        lines.append(Line(number, cells))
    return Table(list(columns), lines)


def _flat(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """`{"params": {"lr": 1}}` as `param.lr`; other nested values stay as they are."""
    for name, value in record.items():
        group = _GROUPS.get(name) or _TEXT_GROUPS.get(name)
        if group is not None and isinstance(value, dict):
            yield from ((f"{group}.{key}", each) for key, each in value.items() if each is not None)
        elif value is not None:
            yield name, value


def write_csv(stream: IO[str], columns: Sequence[str], lines: Iterable[Cells]) -> None:
    """A header, and a row for each line."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for cells in lines:
        writer.writerow([_csv_cell(cells.get(name, "")) for name in columns])


def _csv_cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def write_jsonl(stream: IO[str], lines: Iterable[Cells]) -> None:
    """A JSON object for each line, with parameters, metrics and labels as objects in it."""
    back = {group: name for name, group in (_GROUPS | _TEXT_GROUPS).items()}
    for cells in lines:
        record: dict[str, Any] = {}
        for name, value in cells.items():
            group, dot, key = name.partition(".")
            if dot and group in back:
                record.setdefault(back[group], {})[key] = value
            else:
                record[name] = value
        stream.write(json.dumps(record, ensure_ascii=False) + "\n")
