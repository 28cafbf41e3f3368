"""Reading YAML by its nodes, so that every complaint names a line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

import yaml

from asktell_server.domain.errors import AsktellError, ErrorReason, InvalidArgument, NotSupported
from asktell_server.protocols.asktell_v1.study_files.not_yet import NOT_YET

_INT = re.compile(r"[-+]?[0-9][0-9_]*")
_FLOAT = re.compile(r"[-+]?([0-9][0-9_]*)?\.?[0-9]+([eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*\.([eE][-+]?[0-9]+)?")
_BOOLS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
# libyaml's parser where the wheel has it: ten times as fast.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_DEPTH = 20
"""Mappings and lists within each other; a study file needs five."""
MAX_VALUES = 150_000
"""Keys and values; 100 parameters of 1,000 choices have two thirds."""

FIELD = "study_file"
"""The field of the request that holds the text."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the text, counting from 1; `key` are the keys that lead to it."""

    line: int
    column: int
    key: str = ""

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.key}" if self.key else f"{self.line}:{self.column}"

    def put_on(self, error: AsktellError, description: str) -> None:
        """Begins the error's message with the place, and adds the place to its metadata."""
        error.message = f"{self}: {description}"
        error.metadata = {**error.metadata, "line": str(self.line), "column": str(self.column)}


def refusal(message: str, place: Place) -> InvalidArgument:
    """The error for a text that is no study file."""
    error = InvalidArgument(FIELD, message, reason=ErrorReason.INVALID_STUDY_FILE)
    place.put_on(error, message)
    error.description = error.message
    return error


@dataclass(frozen=True, slots=True)
class Node:
    """A YAML node and the keys that lead to it."""

    key: str
    yaml: yaml.Node

    @property
    def place(self) -> Place:
        """Where it begins."""
        mark = self.yaml.start_mark
        return Place(mark.line + 1, mark.column + 1, self.key)

    def refuse(self, message: str) -> NoReturn:
        """Raises InvalidArgument (INVALID_STUDY_FILE) at this place."""
        raise refusal(message, self.place)

    def refuse_as_not_there_yet(self, message: str) -> NoReturn:
        """Raises NotSupported at this place."""
        error = NotSupported(FIELD, message)
        self.place.put_on(error, message)
        raise error

    def mapping(self, known: Collection[str] | None = None, *, required: Collection[str] = ()) -> dict[str, Node]:
        """The values by key. Refused are keys that are not `known`, come twice, or are `required` and missing."""
        if not isinstance(self.yaml, yaml.MappingNode):
            self.refuse(f"must be a mapping (key: value), got {self._shown()}")
        found: dict[str, Node] = {}
        for key_node, value in self.yaml.value:
            key = Node(self.key, key_node).text()
            inner = f"{self.key}.{key}" if self.key else key
            if key in found:
                Node(inner, key_node).refuse("stands here twice")
            if known is not None and key not in known:
                if key in NOT_YET:
                    Node(inner, key_node).refuse_as_not_there_yet(NOT_YET[key])
                Node(self.key, key_node).refuse(f"unknown key {key!r}{did_you_mean(key, known)}")
            found[key] = Node(inner, value)
        missing = [key for key in required if key not in found]
        if missing:
            self.refuse(f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} missing")
        return found

    def items(self) -> Iterator[Node]:
        """The items of a list."""
        if not isinstance(self.yaml, yaml.SequenceNode):
            self.refuse(f"must be a list, got {self._shown()}")
        for index, item in enumerate(self.yaml.value):
            yield Node(f"{self.key}[{index}]", item)

    def text(self) -> str:
        """A string; a plain word is one even where YAML 1.1 takes it for a bool, as in [on, off]."""
        value = self._scalar("a string")
        if self._plain and (_INT.fullmatch(value) or _FLOAT.fullmatch(value)):
            self.refuse(f'must be a string, got the number {value}; write "{value}" if you mean the text')
        return value

    def formula(self) -> str:
        """Arithmetic: also a mere number."""
        return self._scalar("an expression")

    def category(self) -> str:
        """A string; numbers, true, false and null are pointed to what takes them."""
        plain = self.yaml.value if self._plain else None
        if plain in {"", "~", "null", "Null", "NULL"}:
            self.refuse('must be a string, got null; write a category such as "none"')
        if plain in {"true", "True", "TRUE", "false", "False", "FALSE"}:
            self.refuse(f'must be a string, got {plain}; `type: bool` is for true and false, or write "{plain}"')
        if plain is not None and (_INT.fullmatch(plain) or _FLOAT.fullmatch(plain)):
            self.refuse(
                f'must be a string, got the number {plain}; `type: discrete` is for numbers, or write "{plain}"'
            )
        return self.text()

    def integer(self) -> int:
        """A whole number."""
        value = self._scalar("a whole number")
        if not self._plain or not _INT.fullmatch(value):
            self.refuse(f"must be a whole number, got {self._shown_as_no_number(_INT)}")
        return self._int(value)

    def number(self) -> int | float:
        """A number: an int where it is written as one, and also 1e-5, which YAML 1.1 takes for a string."""
        value = self._scalar("a number")
        if self._plain and _INT.fullmatch(value):
            return self._int(value)
        if not self._plain or not _FLOAT.fullmatch(value):
            self.refuse(f"must be a number, got {self._shown_as_no_number(_FLOAT)}")
        return float(value.replace("_", ""))

    def real(self) -> float:
        """A number as a float."""
        value = self.number()
        try:
            return float(value)
        except OverflowError:
            self.refuse("must be a number that a double can hold")

    def boolean(self) -> bool:
        """True or false."""
        value = self._scalar("true or false").lower()
        if not self._plain or value not in _BOOLS:
            self.refuse(f"must be true or false, got {self._shown()}")
        return _BOOLS[value]

    def scalar(self) -> int | float | bool | str:
        """A number, true or false, or a string, as which of them it is written."""
        value = self._scalar("a value")
        if not self._plain:
            return value
        if _INT.fullmatch(value) or _FLOAT.fullmatch(value):
            return self.number()
        return _BOOLS[value.lower()] if value.lower() in {"true", "false"} else value

    def choice(self, allowed: Collection[str]) -> str:
        """One of the allowed words."""
        value = self._scalar(f"one of {', '.join(allowed)}")
        if value not in allowed:
            self.refuse(f"must be one of {', '.join(allowed)}, got {value!r}{did_you_mean(value, allowed)}")
        return value

    def time(self) -> datetime:
        """A time with its zone, as in 2026-12-01T12:00:00Z; in UTC."""
        value = self._scalar("a time")
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            self.refuse(f"must be a time as in 2026-12-01T12:00:00Z, got {value!r}")
        if time.tzinfo is None:
            self.refuse(f"needs a time zone, as in {value}Z" if "T" in value else "needs a time and a time zone")
        try:
            return time.astimezone(UTC)
        except OverflowError:
            self.refuse(f"must be a time between the years 1 and 9999, got {value!r}")

    @property
    def is_mapping(self) -> bool:
        """A mapping, not a single value or a list."""
        return isinstance(self.yaml, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        """A list, not a single value or a mapping."""
        return isinstance(self.yaml, yaml.SequenceNode)

    @property
    def _plain(self) -> bool:
        # libyaml's parser gives a plain scalar the empty style, the one in Python gives it None.
        return isinstance(self.yaml, yaml.ScalarNode) and not self.yaml.style

    def _int(self, value: str) -> int:
        try:
            return int(value)
        except ValueError:  # thousands of digits: Python refuses to convert them
            self.refuse("has too many digits")

    def _scalar(self, wanted: str) -> str:
        if not isinstance(self.yaml, yaml.ScalarNode) or (self._plain and self.yaml.value in {"", "~", "null"}):
            self.refuse(f"must be {wanted}, got {self._shown()}")
        value: str = self.yaml.value
        return value

    def _shown_as_no_number(self, number: re.Pattern[str]) -> str:
        """The value; of a number in quotes, what is wrong with it."""
        shown, text = self._shown(), self.yaml.value
        return (
            f"the text {shown}: write {text} without quotes" if len(text) <= 100 and number.fullmatch(text) else shown
        )

    def _shown(self) -> str:
        if isinstance(self.yaml, yaml.MappingNode):
            return "a mapping"
        if isinstance(self.yaml, yaml.SequenceNode):
            return "a list"
        value: str = self.yaml.value
        return repr(value if len(value) <= 100 else f"{value[:97]}...") if value else "nothing"


def compose(text: str) -> Node:
    """The root node of a YAML text.

    Raises:
        InvalidArgument: INVALID_STUDY_FILE, it is empty or no YAML.
    """
    try:
        _require_sane(text)
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        place = _place(error.problem_mark or error.context_mark)
        raise refusal(error.problem or error.context or "is not YAML", place) from None
    except yaml.YAMLError as error:
        raise refusal(f"is not YAML: {error}", Place(1, 1)) from None
    if root is None:
        raise refusal("is empty", Place(1, 1))
    return Node("", root)


def _require_sane(text: str) -> None:
    """Refuses deep nesting event by event: composing recurses, and libyaml's would take the process with it.

    And too many values: the freeing of what is made of them keeps other calls waiting.
    """
    depth = 0
    for index, event in enumerate(yaml.parse(text, Loader=_LOADER)):
        if index > MAX_VALUES:
            raise refusal(f"has more than {MAX_VALUES:,} keys and values", _place(event.start_mark))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise refusal("is nested too deeply", _place(event.start_mark))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)


def did_you_mean(word: str, known: Collection[str]) -> str:
    """`, did you mean 'x'?` for the nearest known word, otherwise the list of them."""
    near = difflib.get_close_matches(word, known, n=1)
    return f", did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}"
