"""Which columns fit a width, and the lines of a table. Pure: text in, text out.

Columns come by importance. Those that do not fit go from the right, whole: a number is never squeezed. Before one goes,
headers are folded at their separators, and texts wider than a third of the line are shortened in the middle.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len, chop_cells, set_cell_size

GAP = "  "
NOTHING = "-"
"""Stands in a pipe where a cell is empty: columns can be told apart by two spaces or more."""

_LONGEST_PADDING = 40
_LEAST_REST = 20
_HEADER_PARTS = re.compile(r"[^_./ -]+[_./ -]*|[_./ -]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """A column as text. `right`: numbers, aligned to the right. `rest`: it takes what is left of the line, cut at its end."""

    header: str
    values: Sequence[str]
    right: bool = True
    rest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is shown, and how wide. `hidden`: the headers of the columns that do not fit."""

    columns: Sequence[Cells]
    widths: Sequence[int]
    headers: Sequence[Sequence[str]] = field(default=())
    hidden: Sequence[str] = ()

    def header_lines(self) -> list[str]:
        """The header: one line, or several where names are folded; they stand on its last line."""
        height = max((len(each) for each in self.headers), default=0)
        filled = [[""] * (height - len(each)) + list(each) for each in self.headers]
        return [self._line(texts) for texts in zip(*filled, strict=True)]

    def lines(self) -> list[str]:
        """A line for each row."""
        return [self.line(row) for row in zip(*(column.values for column in self.columns), strict=True)]

    def line(self, row: Sequence[str]) -> str:
        """The line of one row: a cell for each column that is shown; a wider one pushes the rest of its line."""
        return self._line([" ".join(cell.split()) for cell in row])

    @property
    def width(self) -> int:
        """Of the longest line."""
        return sum(self.widths) + len(GAP) * (len(self.widths) - 1)

    def _line(self, texts: Sequence[str]) -> str:
        padded = (
            _padded(text, width, right=column.right)
            for text, width, column in zip(texts, self.widths, self.columns, strict=True)
        )
        return GAP.join(padded).rstrip()


def fit(columns: Sequence[Cells], width: int) -> Shape:
    """The columns that fit so many characters: from the left, as many as there is room for, and at least one."""
    if not columns:
        return Shape(columns=(), widths=())
    natural = [_widest([each.header, *each.values]) for each in columns]
    least = [min(size, _LEAST_REST) if each.rest else size for each, size in zip(columns, natural, strict=True)]
    spare = width - sum(least) - len(GAP) * (len(columns) - 1)
    if spare >= 0:
        widths = [min(size, low + spare) for size, low in zip(natural, least, strict=True)]
        cut = [_cut(each, size) if each.rest else each for each, size in zip(columns, widths, strict=True)]
        return Shape(columns=cut, widths=widths, headers=[[each.header] for each in columns])
    shown: list[Cells] = []
    widths = []
    headers: list[list[str]] = []
    left = width
    for column in columns:
        narrow = column if column.rest or column.right else _shortened(column, max(width // 3, 1))
        header = folded(narrow.header, _widest(narrow.values))
        needed = _widest([*header, *narrow.values])
        if column.rest and needed > left >= _LEAST_REST:
            narrow, header = _cut(narrow, left), [narrow.header]
            needed = left
        if needed > left and shown:
            break
        shown.append(narrow)
        widths.append(needed)
        headers.append(header)
        left -= needed + len(GAP)
    hidden = [each.header for each in columns[len(shown) :]]
    return Shape(columns=shown, widths=widths, headers=headers, hidden=hidden)


def unbounded(columns: Sequence[Cells]) -> Shape:
    """All columns at full length, for pipes: long cells are not padded for, empty ones have a dash."""
    filled = [
        Cells(
            header=each.header, values=[" ".join(value.split()) or NOTHING for value in each.values], right=each.right
        )
        for each in columns
    ]
    widths = [max(cell_len(each.header), min(_widest(each.values), _LONGEST_PADDING)) for each in filled]
    return Shape(columns=filled, widths=widths, headers=[[each.header] for each in filled])


def folded(header: str, width: int) -> list[str]:
    """A header in lines of at most `width` where its separators allow it: `batch_size` → `batch_`, `size`."""
    parts = _HEADER_PARTS.findall(header)
    room = max([width, *(cell_len(part) for part in parts)])
    lines: list[str] = []
    for part in parts:
        if lines and cell_len(lines[-1] + part) <= room:
            lines[-1] += part
        else:
            lines.append(part)
    return lines or [header]


def shorten(text: str, width: int) -> str:
    """The text, its middle replaced by `…` where it is wider: beginnings and ends tell names apart."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    tail = (width - 1) // 2
    ending = ""
    for character in reversed(text):
        if cell_len(character + ending) > tail:
            break
        ending = character + ending
    return f"{_start(text, width - 1 - tail)}…{ending}"


def named(names: Sequence[str], width: int, *, before: str, after: str) -> str:
    """One line that names as many as fit, and says how many more there are."""
    for count in range(len(names), 0, -1):
        more = "" if count == len(names) else f", … {len(names) - count} more"
        line = f"{before}{', '.join(names[:count])}{more}{after}"
        if cell_len(line) <= width:
            return line
    return f"{before}{len(names)} columns{after}"


def _shortened(column: Cells, width: int) -> Cells:
    values = [shorten(value, width) for value in column.values]
    return Cells(header=column.header, values=values, right=column.right)


def _cut(column: Cells, width: int) -> Cells:
    values = [value if cell_len(value) <= width else f"{_start(value, width - 1)}…" for value in column.values]
    return Cells(header=column.header, values=values, right=column.right, rest=True)


def _start(text: str, width: int) -> str:
    pieces: Iterator[str] = iter(chop_cells(text, width))
    return next(pieces, "")


def _padded(text: str, width: int, *, right: bool) -> str:
    if cell_len(text) >= width:
        return text
    return " " * (width - cell_len(text)) + text if right else set_cell_size(text, width)


def _widest(texts: Iterable[str]) -> int:
    return max((cell_len(text) for text in texts), default=0)
