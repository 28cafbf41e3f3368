"""Values and reasons as people are shown them, in every place."""

from __future__ import annotations

import math

_MOST_PLACES = 6
"""Behind the decimal point; smaller numbers are written with an exponent."""


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


def with_deviation(mean: float, deviation: float) -> str:
    """`0.312 ± 0.021`: a value to the digits that its standard deviation leaves of it, and that to two."""
    if not (math.isfinite(mean) and math.isfinite(deviation)) or deviation <= 0:
        return f"{short(float(mean), 4)} ± {short(float(deviation), 2)}"
    places = 1 - math.floor(math.log10(deviation))
    if 0 <= places <= _MOST_PLACES:
        return f"{mean:.{places}f} ± {deviation:.{places}f}"
    return f"{short(float(mean), 4)} ± {short(float(deviation), 2)}"


def last_line(reason: str) -> str:
    """The last line of a reason, in which a traceback has its error; "" where there is none."""
    lines = reason.strip().splitlines()
    return lines[-1] if lines else ""
