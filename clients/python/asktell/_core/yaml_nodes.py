"""Reading YAML by its nodes, so that every complaint names a line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import yaml

_INT = re.compile(r"[-+]?[0-9][0-9_]*")
_FLOAT = re.compile(r"[-+]?([0-9][0-9_]*)?\.?[0-9]+([eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*\.([eE][-+]?[0-9]+)?")
_BOOLS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class StudyFileError(ValueError):
    """A study file is wrong; the text begins with `file:line:column`."""

    def __init__(self, place: str, message: str) -> None:
        """`place`: `file:line:column`, or the file alone."""
        super().__init__(f"{place}: {message}")


@dataclass(frozen=True, slots=True)
class Node:
    """A YAML node and where it stands: `path` is the keys that lead to it."""

    file: Path
    path: str
    yaml: yaml.Node

    @property
    def place(self) -> str:
        """`file:line:column`, counting from 1."""
        mark = self.yaml.start_mark
        return f"{self.file}:{mark.line + 1}:{mark.column + 1}"

    def refuse(self, message: str) -> NoReturn:
        """Raises StudyFileError at this place."""
        raise StudyFileError(self.place, f"{self.path}: {message}" if self.path else message)

    def mapping(self, known: Collection[str] | None = None, *, required: Collection[str] = ()) -> dict[str, Node]:
        """The values by key. Refused are keys that are not `known`, come twice, or are `required` and missing."""
        if not isinstance(self.yaml, yaml.MappingNode):
            self.refuse(f"must be a mapping (key: value), got {self._shown()}")
        found: dict[str, Node] = {}
        for key_node, value in self.yaml.value:
            key = Node(self.file, self.path, key_node).text()
            inner = f"{self.path}.{key}" if self.path else key
            if key in found:
                Node(self.file, inner, key_node).refuse("stands here twice")
            if known is not None and key not in known:
                Node(self.file, self.path, key_node).refuse(f"unknown key {key!r}{did_you_mean(key, known)}")
            found[key] = Node(self.file, inner, value)
        missing = [key for key in required if key not in found]
        if missing:
            self.refuse(f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} missing")
        return found

    def items(self) -> Iterator[Node]:
        """The items of a list."""
        if not isinstance(self.yaml, yaml.SequenceNode):
            self.refuse(f"must be a list, got {self._shown()}")
        for index, item in enumerate(self.yaml.value):
            yield Node(self.file, f"{self.path}[{index}]", item)

    def text(self) -> str:
        """A string; a plain word is one even where YAML 1.1 takes it for a bool, as in [on, off]."""
        value = self._scalar("a string")
        if self._plain and (_INT.fullmatch(value) or _FLOAT.fullmatch(value)):
            self.refuse(f'must be a string, got the number {value}; write "{value}" if you mean the text')
        return value

    def integer(self) -> int:
        """A whole number."""
        value = self._scalar("a whole number")
        if not self._plain or not _INT.fullmatch(value):
            self.refuse(f"must be a whole number, got {self._shown()}")
        return int(value)

    def number(self) -> float:
        """A number: an int where it is written as one, and also 1e-5, which YAML 1.1 takes for a string."""
        value = self._scalar("a number")
        if self._plain and _INT.fullmatch(value):
            return int(value)
        if not self._plain or not _FLOAT.fullmatch(value):
            self.refuse(f"must be a number, got {self._shown()}")
        return float(value.replace("_", ""))

    def boolean(self) -> bool:
        """True or false."""
        value = self._scalar("true or false").lower()
        if not self._plain or value not in _BOOLS:
            self.refuse(f"must be true or false, got {self._shown()}")
        return _BOOLS[value]

    def choice(self, allowed: Collection[str]) -> str:
        """One of the allowed words."""
        value = self._scalar(f"one of {', '.join(allowed)}")
        if value not in allowed:
            self.refuse(f"must be one of {', '.join(allowed)}, got {value!r}{did_you_mean(value, allowed)}")
        return value

    def time(self) -> datetime:
        """A time with its zone, as in 2026-12-01T12:00:00Z."""
        value = self._scalar("a time")
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            self.refuse(f"must be a time as in 2026-12-01T12:00:00Z, got {value!r}")
        if time.tzinfo is None:
            self.refuse(f"needs a time zone, as in {value}Z" if "T" in value else "needs a time and a time zone")
        return time

    @property
    def is_mapping(self) -> bool:
        """A mapping, not a single value or a list."""
        return isinstance(self.yaml, yaml.MappingNode)

    @property
    def _plain(self) -> bool:
        return isinstance(self.yaml, yaml.ScalarNode) and self.yaml.style is None

    def _scalar(self, wanted: str) -> str:
        if not isinstance(self.yaml, yaml.ScalarNode) or (self._plain and self.yaml.value in {"", "~", "null"}):
            self.refuse(f"must be {wanted}, got {self._shown()}")
        value: str = self.yaml.value
        return value

    def _shown(self) -> str:
        if isinstance(self.yaml, yaml.MappingNode):
            return "a mapping"
        if isinstance(self.yaml, yaml.SequenceNode):
            return "a list"
        return repr(self.yaml.value) if self.yaml.value else "nothing"


def read(file: Path) -> Node:
    """The root node of a YAML file.

    Raises:
        StudyFileError: it cannot be read, is empty or no YAML.
    """
    try:
        root = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise StudyFileError(str(file), error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise StudyFileError(str(file), "is not UTF-8 text") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)
        raise StudyFileError(place, error.problem or error.context or "is not YAML") from None
    except yaml.YAMLError as error:
        raise StudyFileError(str(file), f"is not YAML: {error}") from None
    if root is None:
        raise StudyFileError(str(file), "is empty")
    return Node(file, "", root)


def did_you_mean(word: str, known: Collection[str]) -> str:
    """`, did you mean 'x'?` for the nearest known word, otherwise the list of them."""
    near = difflib.get_close_matches(word, known, n=1)
    return f", did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}"
