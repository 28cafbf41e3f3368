"""Values and reasons as people are shown them, in every place."""

from __future__ import annotations


def short(value: object, digits: int = 6) -> str:
    """A parameter or metric for people, with so many significant digits: six are enough to tell values apart.

    What stands before the decimal point is not rounded, up to six digits.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, float):
        return str(value)
    before_point = len(str(int(abs(value)))) if abs(value) < 1e6 else 0
    return f"{value:.{max(digits, before_point)}g}"


def last_line(reason: str) -> str:
    """The last line of a reason, in which a traceback has its error; "" where there is none."""
    lines = reason.strip().splitlines()
    return lines[-1] if lines else ""
