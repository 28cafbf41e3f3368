"""Values as people and files write them, into those of a parameter's kind."""

from __future__ import annotations

import math
from collections.abc import Iterable

from asktell.spaces import Bool, Categorical, Derived, Discrete, Domain, Float, Int, ParameterValue

_BOOLS = {
    **dict.fromkeys(("true", "yes", "1", "1.0"), True),
    **dict.fromkeys(("false", "no", "0", "0.0"), False),
}


def parse_value(value: object, domain: Domain | Derived) -> ParameterValue:
    """A text, or a value of JSON, as a value of the parameter. Whether its range has it is judged by the server.

    Raises:
        ValueError: it is none of its kind; the message says what is wanted.
    """
    text = value.strip() if isinstance(value, str) else value_text(value)
    match domain:
        case Float():
            return number(text)
        case Derived():
            return _whole(text) if text.lstrip("+-").isdecimal() else number(text)
        case Int():
            return _whole(text)
        case Discrete():
            plain = number(text)
            return plain if any(isinstance(each, float) for each in domain.values) else _whole(text)
        case Bool():
            if text.lower() not in _BOOLS:
                raise ValueError("must be true or false (or yes, no, 1, 0)")
            return _BOOLS[text.lower()]
        case Categorical():
            return _category(value if isinstance(value, str) else text, domain.values)


def number(value: object) -> float:
    """A finite number. Raises ValueError."""
    try:
        found = float(value_text(value) if not isinstance(value, str) else value)
    except ValueError:
        raise ValueError("must be a number") from None
    if not math.isfinite(found):
        raise ValueError("must be finite")
    return found


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        found = number(text)
    except ValueError:
        raise ValueError("must be a whole number") from None
    if not found.is_integer():
        raise ValueError("must be a whole number")
    return int(found)


def _category(text: str, categories: Iterable[ParameterValue]) -> ParameterValue:
    """The category of this text; one that is none is left to the server to refuse, in its own words."""
    return {value_text(each): each for each in categories}.get(text, text)


def value_text(value: object) -> str:
    """A value as a program reads it: all digits of a float, `true` and `false`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)
