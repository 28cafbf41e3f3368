"""Earlier studies that a study starts from, and what they had found when it was created."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.trial import Result
from asktell_server.domain.values import Configuration
from asktell_server.domain.warning import StudyWarning, WarningKind

MAX_PARENTS = 8
MAX_RESULTS = 100
"""Of all parents of a study together. A model of as many and of a study's own results is fitted within a fraction of a second."""
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PastResult:
    """What came of a configuration, which is one of the new study's space; its metrics are those of the new study's goals."""

    parameters: Configuration
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentStudy:
    """An earlier study of the same project, by its id, and what of it was taken over when the study was created.

    Attributes:
        sequence: position of its log then.
        results: those that were taken over.
        found: how many results it had.
        outside: how many of these have no counterpart in the new space, because a value lies outside of a range or is no choice.
        lacking: parameters of the new space that it lacks.
        unused: its parameters that the new space lacks.
    """

    name: str
    sequence: int = 0
    results: tuple[PastResult, ...] = ()
    found: int = 0
    outside: int = 0
    lacking: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


def validate_parents(parents: tuple[ParentStudy, ...], *, study_id: str, where: str) -> None:
    """Raises InvalidArgument when there are too many, one comes twice or is the study itself."""
    if len(parents) > MAX_PARENTS:
        raise InvalidArgument(where, f"must hold at most {MAX_PARENTS} studies, got {len(parents)}")
    seen = {study_id}
    for index, parent in enumerate(parents):
        if parent.name in seen:
            what = "another study" if parent.name == study_id else "different from the others"
            raise InvalidArgument(f"{where}[{index}]", f"must be {what}, got {parent.name!r}")
        seen.add(parent.name)


def parent_warnings(parents: tuple[ParentStudy, ...], *, learns: bool) -> Iterator[StudyWarning]:
    """What a study's creator should know of its parents; `learns`: the algorithm learns from results at all."""
    if parents and not learns:
        yield StudyWarning(
            kind=WarningKind.PARENT_UNUSED,
            field="parents",
            message="the algorithm learns from no results, so the parents' make no difference; auto and bayesian do",
        )
        return
    for index, parent in enumerate(parents):
        field = f"parents[{index}]"
        if not parent.results:
            yield StudyWarning(kind=WarningKind.PARENT_UNUSED, field=field, message=_no_use(parent))
            continue
        for message in _differences(parent):
            yield StudyWarning(kind=WarningKind.PARENT_DIFFERS, field=field, message=f"{parent.name} {message}")


def _no_use(parent: ParentStudy) -> str:
    if not parent.found:
        return f"{parent.name} has no results with the study's metrics yet, so it teaches nothing"
    return f"none of the {parent.found} results of {parent.name} has a counterpart in this space, so it teaches nothing"


def _differences(parent: ParentStudy) -> Iterator[str]:
    if parent.lacking:
        yield f"has no parameter {_listed(parent.lacking)}: its results count as if found at the default, or else the middle"
    if parent.unused:
        yield f"has a parameter {_listed(parent.unused)} that this study lacks: its values there make no difference"
    if parent.outside:
        yield f"has {parent.outside} of {parent.found} results with values that this space does not have: they teach nothing"


def _listed(names: tuple[str, ...]) -> str:
    named = ", ".join(names[:_MOST_NAMED])
    return f"{named}, ..." if len(names) > _MOST_NAMED else named
