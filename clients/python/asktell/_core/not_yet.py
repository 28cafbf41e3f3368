"""What is agreed and not there yet: a word here is refused by name. To turn a feature on, take its words away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import grpc

from asktell.errors import NotSupported

STUDY: dict[str, str] = {}
"""Keyword arguments of `create_study`."""

DOMAIN: dict[str, str] = {}
"""Those of Float, Int, Discrete, Categorical and Bool."""

NAMES: dict[str, str] = {}
"""Names of the package."""


def refuse(table: Mapping[str, str], words: Iterable[str], function: str) -> None:
    """Raises NotSupported for the first of the function's keyword arguments that is in the table."""
    for word in words:
        if word in table:
            raise NotSupported(
                f"{function}({word}=…): {table[word]}",
                reason="NOT_SUPPORTED",
                metadata={"field": word},
                code=grpc.StatusCode.UNIMPLEMENTED,
            )


class Refusing:
    """Base of the domains: they refuse keyword arguments that are not there yet by name."""

    __slots__ = ()

    def __new__(cls, *_: Any, **options: Any) -> Self:
        """Raises NotSupported."""
        refuse(DOMAIN, options, cls.__name__)
        return super().__new__(cls)
