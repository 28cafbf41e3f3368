"""Resource names: the only place that parses and prints them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from asktell_server.domain.errors import InvalidArgument

DEFAULT_PROJECT = "default"

_ID = r"[a-z0-9][a-z0-9._-]{0,62}"
_ID_RE = re.compile(_ID)
_PROJECT_RE = re.compile(rf"projects/({_ID})")
_STUDY_RE = re.compile(rf"(?:(?:projects/({_ID})/)?studies/)?({_ID})")
_TRIAL_RE = re.compile(rf"(?:projects/({_ID})/)?studies/({_ID})/trials/([1-9][0-9]{{0,15}})")
_SHORT_TRIAL_RE = re.compile(rf"({_ID})/([1-9][0-9]{{0,15}})")
_ID_RULE = "1 to 63 characters out of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class StudyName:
    """Name of a study: `projects/{project}/studies/{study_id}`."""

    project: str
    study_id: str

    def __str__(self) -> str:
        return f"projects/{self.project}/studies/{self.study_id}"

    def trial(self, number: int) -> TrialName:
        """The name of the study's trial `number`."""
        return TrialName(study=self, number=number)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class TrialName:
    """Name of a trial: `projects/{project}/studies/{study_id}/trials/{number}`."""

    study: StudyName
    number: int

    def __str__(self) -> str:
        return f"{self.study}/trials/{self.number}"


def parse_project(text: str, *, field: str) -> str:
    """The project id of `projects/{project}`; the empty string means the default project.

    Raises:
        InvalidArgument: `text` is not such a name.
    """
    if not text:
        return DEFAULT_PROJECT
    match = _PROJECT_RE.fullmatch(text)
    if match is None:
        raise InvalidArgument(field, f"must be projects/{{project}}, got {_shown(text)}; an id is {_ID_RULE}")
    return match[1]


def parse_study_id(text: str, *, field: str) -> str:
    """A study id as given to CreateStudy.

    Raises:
        InvalidArgument: it is empty or breaks the rule for ids.
    """
    if not _ID_RE.fullmatch(text):
        raise InvalidArgument(field, f"must be {_ID_RULE}, got {_shown(text)}")
    return text


def parse_study(text: str, *, field: str) -> StudyName:
    """A study's name: in full, or `studies/{study}` or `{study}` in the default project.

    Raises:
        InvalidArgument: `text` is not such a name.
    """
    match = _STUDY_RE.fullmatch(text)
    if match is None:
        raise InvalidArgument(
            field, f"must be projects/{{project}}/studies/{{study}}, got {_shown(text)}; an id is {_ID_RULE}"
        )
    return StudyName(project=match[1] or DEFAULT_PROJECT, study_id=match[2])


def parse_trial(text: str, *, field: str) -> TrialName:
    """A trial's name: in full, or `studies/{study}/trials/{number}` in the default project.

    Raises:
        InvalidArgument: `text` is not such a name.
    """
    match = _TRIAL_RE.fullmatch(text)
    if match is None:
        raise InvalidArgument(
            field, f"must be projects/{{project}}/studies/{{study}}/trials/{{number}}, got {_shown(text)}"
        )
    study = StudyName(project=match[1] or DEFAULT_PROJECT, study_id=match[2])
    return TrialName(study=study, number=int(match[3]))


def parse_trial_argument(text: str, *, field: str) -> TrialName:
    """A trial as a person types it: its name, or `{study}/{number}` in the default project.

    Raises:
        InvalidArgument: `text` is neither.
    """
    if short := _SHORT_TRIAL_RE.fullmatch(text):
        return StudyName(project=DEFAULT_PROJECT, study_id=short[1]).trial(int(short[2]))
    if _TRIAL_RE.fullmatch(text) is None:
        raise InvalidArgument(
            field, f"must be STUDY/NUMBER or projects/PROJECT/studies/STUDY/trials/NUMBER, got {_shown(text)}"
        )
    return parse_trial(text, field=field)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")
