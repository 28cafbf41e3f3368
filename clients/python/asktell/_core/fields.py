"""Fields of messages as attributes of handles, and as keyword arguments of calls: one line declares both directions.

A `Field` is a descriptor of a view (`StudyView`, `TrialView`): reading it decodes the message. What is also a keyword
argument (`create_study(max_trials=…)`, `update(max_trials=…)`) encodes itself into a request by the same declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Protocol, Self, TypeVar, overload

from google.protobuf.message import Message

from asktell._core.values import decode_time

T = TypeVar("T")


class Viewed(Protocol):
    """An object that shows a message."""

    @property
    def message(self) -> Any: ...


class Field(Generic[T]):
    """One field. `path` is its place in the message: names with dots.

    `decode` takes the message that holds the field, and the field's name there. `encode`, for what callers give, takes
    the value and the argument's name for error texts, and returns what to set; None = leave the field unset. `mask`: its paths
    in an update mask, where they are others than `path`.
    """

    def __init__(
        self,
        path: str,
        decode: Callable[[Any, str], T],
        encode: Callable[[Any, str], Any] | None = None,
        *,
        changeable: bool = False,
        mask: Sequence[str] = (),
        doc: str = "",
    ) -> None:
        self.path = path
        self.name = ""
        self.changeable = changeable
        self._mask = mask
        self.__doc__ = doc
        self._decode = decode
        self._encode = encode
        *self._parts, self._leaf = path.split(".")

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Viewed, owner: type) -> T: ...
    def __get__(self, instance: Viewed | None, owner: type) -> Self | T:
        """The decoded value; of the class, the field itself."""
        if instance is None:
            return self
        return self._decode(self._holder(instance.message), self._leaf)

    @property
    def paths(self) -> Sequence[str]:
        """What an update mask calls the field."""
        return self._mask or [self.path]

    def __set__(self, instance: Viewed, value: object) -> None:
        """Raises AttributeError: what the server said cannot be set here."""
        raise AttributeError(f"{type(instance).__name__}.{self.name} cannot be set")

    @property
    def can_be_given(self) -> bool:
        """It is a keyword argument, too."""
        return self._encode is not None

    def put(self, message: Message, value: object) -> None:
        """Sets the field from a caller's value. Raises TypeError or ValueError naming the argument."""
        assert self._encode is not None
        wire = self._encode(value, self.name)
        if wire is None:
            return
        holder: Any = self._holder(message)
        target = getattr(holder, self._leaf)
        if isinstance(wire, Message):
            target.MergeFrom(wire)
        elif isinstance(wire, list):
            target.extend(wire)
        elif isinstance(wire, Mapping):
            target.update(wire)
        else:
            setattr(holder, self._leaf, wire)

    def _holder(self, message: Any) -> Any:
        for part in self._parts:
            message = getattr(message, part)
        return message


def fields_of(view: type) -> Iterator[Field[Any]]:
    """The fields that a view declares, in their order."""
    return (value for value in vars(view).values() if isinstance(value, Field))


def plain(holder: Any, name: str) -> Any:
    """The value as it is."""
    return getattr(holder, name)


def optional(holder: Any, name: str) -> Any:
    """The value, or None where the field is unset."""
    return getattr(holder, name) if holder.HasField(name) else None


def nonzero(holder: Any, name: str) -> Any:
    """The value, or None where it is zero."""
    return getattr(holder, name) or None


def texts(holder: Any, name: str) -> dict[str, str]:
    """A map of strings."""
    return dict(getattr(holder, name))


def time(holder: Any, name: str) -> datetime | None:
    """A time with its time zone, UTC; None where it is unset."""
    return decode_time(getattr(holder, name)) if holder.HasField(name) else None


def unless_none(encode: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """The encoding of an argument that may be None: then the field stays unset."""
    return lambda value, where: None if value is None else encode(value, where)
