"""Which project a request concerns, by the field that names it."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.names import parse_project, parse_study, parse_trial

ProjectOf = Callable[[Any], str]
"""The project of a request; "" where it names none, or where its name is not a name and the handler refuses it."""


def by_project(field: str) -> ProjectOf:
    """The project that the field names."""
    return _by(field, lambda text: parse_project(text, field=field))


def by_study(field: str) -> ProjectOf:
    """The project of the study that the field names."""
    return _by(field, lambda text: parse_study(text, field=field).project)


def by_trial(field: str) -> ProjectOf:
    """The project of the trial that the field names."""
    return _by(field, lambda text: parse_trial(text, field=field).study.project)


def _by(field: str, parse: Callable[[str], str]) -> ProjectOf:
    read = attrgetter(field)  # dots lead into messages

    def project(request: Any) -> str:
        try:
            return parse(read(request))
        except InvalidArgument:
            return ""

    return project
