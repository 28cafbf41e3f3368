"""A reader of JSON values that gives other threads their turn, for values that are longer than a piece.

The reader of Python's library is in C and keeps the interpreter's lock from beginning to end of what it reads. Here it gets numbers and
words, and texts in pieces; lists and objects are read in Python. What no request needs is refused while it is being read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from json.decoder import WHITESPACE, JSONArray, scanstring  # type: ignore[attr-defined]  # the stubs leave them out
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from typing import Any

MOST_VALUES = 300_000
"""In one value: a space of 100 parameters with 1,000 choices has a third."""
MOST_KEYS = 10_000
"""In one object: no map of a request may have more than 1,000 entries."""
MOST_CHARS = 1_100_000
"""Of a text. A study file has 1,048,576 at most."""
MOST_DIGITS = 1000
"""Of a number; no field takes as many."""

_NUMBER = re.compile(rf"[-+.\deE]{{{MOST_DIGITS}}}", re.ASCII)
_PIECE_OF_TEXT = re.compile(
    r"""(?: [^"\\\x00-\x1f]{1,128}+
          | \\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}  # one character
          | \\u[0-9a-fA-F]{4}
          | \\["\\/bfnrt]
        ){1,512}+""",
    re.VERBOSE,
)
_Value = tuple[Any, int]
"""A value, and where what follows it begins."""


def reader() -> Callable[[str, int], _Value]:
    """Reads one value that begins at a place of a text. Raises ValueError: it is no JSON, or more than any request needs."""
    left = MOST_VALUES
    decoder = json.JSONDecoder()

    def scan(text: str, at: int) -> _Value:
        nonlocal left
        left -= 1
        if left < 0:
            raise ValueError(f"more than {MOST_VALUES:,} values in one")
        if _NUMBER.match(text, at):
            raise ValueError(f"a number of more than {MOST_DIGITS:,} digits")
        try:
            value: _Value = scan_any(text, at)
        except StopIteration as stop:
            raise json.JSONDecodeError("Expecting value", text, stop.value) from None
        return value

    def array(text_and_start: tuple[str, int], _scan: object) -> _Value:
        value: _Value = JSONArray(text_and_start, scan)
        return value

    def mapping(text_and_start: tuple[str, int], *_: object) -> _Value:
        return _read_object(*text_and_start, scan)

    # The library's own way of changing them, though the stubs do not say so.
    decoder.parse_array, decoder.parse_object, decoder.parse_string = array, mapping, _read_text  # type: ignore[attr-defined]
    scan_any = py_make_scanner(decoder)
    return scan


def _read_object(text: str, at: int, scan: Callable[[str, int], _Value]) -> _Value:
    """Reads an object whose brace stands before `at`."""
    pairs: list[tuple[str, Any]] = []
    at = skip(text, at)
    if text[at : at + 1] == "}":
        return {}, at + 1
    while True:
        if text[at : at + 1] != '"':
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
        if len(pairs) >= MOST_KEYS:
            raise ValueError(f"more than {MOST_KEYS:,} keys in one object")
        key, at = _read_text(text, at + 1)
        value, at = scan(text, expect(text, skip(text, at), ":"))
        pairs.append((key, value))
        at = skip(text, at)
        if text[at : at + 1] == "}":
            return without_doubles(pairs), at + 1
        at = expect(text, at, ",")


def _read_text(text: str, at: int, _strict: bool = True) -> tuple[str, int]:
    """Reads a text whose opening quote stands before `at`."""
    pieces: list[str] = []
    begin, length = at - 1, 0
    while (found := _PIECE_OF_TEXT.match(text, at)) is not None:
        piece, at = found[0], found.end()
        pieces.append(scanstring(f'{piece}"', 0)[0] if "\\" in piece else piece)
        length += len(pieces[-1])
        if length > MOST_CHARS:
            raise ValueError(f"a text of more than {MOST_CHARS:,} characters")
    sign = text[at : at + 1]
    if sign == '"':
        return "".join(pieces), at + 1
    if not sign:
        raise json.JSONDecodeError("Unterminated string starting at", text, begin)
    raise json.JSONDecodeError("Invalid \\escape" if sign == "\\" else "Invalid control character at", text, at)


def skip(text: str, at: int) -> int:
    """Where the next word begins."""
    end: int = WHITESPACE.match(text, at).end()
    return end


def expect(text: str, at: int, sign: str) -> int:
    """Where the next word behind `sign` begins."""
    if text[at : at + 1] != sign:
        raise json.JSONDecodeError(f"Expecting {sign!r}", text, at)
    return skip(text, at + 1)


def without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's content. Raises ValueError when a key is given twice."""
    content = dict(pairs)
    if len(content) < len(pairs):
        raise given_twice()
    return content


def given_twice() -> ValueError:
    """Why such an object is refused."""
    return ValueError("a key is given twice")
