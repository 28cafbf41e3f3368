"""Numbers of flags, with the words of people in complaints about them."""

from __future__ import annotations

import click


class WholeNumber(click.IntRange):
    """An int within bounds: `'x' is not a valid whole number.`"""

    name = "whole number"


class Number(click.FloatRange):
    """A float within bounds: `'x' is not a valid number.`"""

    name = "number"
