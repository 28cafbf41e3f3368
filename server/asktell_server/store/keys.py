"""Names of the keys in Redis. All keys of a study share the hash tag `{project/study}`, so one slot holds them."""

from __future__ import annotations

from asktell_server.domain.names import StudyName

PREFIX = "asktell"

_STUDY_KEYS = (
    "meta",
    "trials",
    "leases",
    "active",
    "log",
    "reports",
    "imports",
    "model",
    "ready",
    "preparing",
    "snapshot",
)
"""The order in which every script gets them (`lua/common.lua`); the key of the request id comes last."""


def study_keys(name: StudyName, request_id: str) -> list[str]:
    """All keys that a script about this study may touch."""
    tag = f"{PREFIX}:{{{name.project}/{name.study_id}}}"
    return [*(f"{tag}:{key}" for key in _STUDY_KEYS), f"{tag}:req:{request_id}"]


def meta_key(name: StudyName) -> str:
    """The key that exists as long as the study does; it also names the channel of the study's changes."""
    return f"{PREFIX}:{{{name.project}/{name.study_id}}}:meta"


META_PATTERN = f"{PREFIX}:{{*}}:meta"
"""Finds the meta keys of all studies in a SCAN."""


def name_of_meta_key(key: str) -> StudyName:
    """The study whose `meta_key` this is."""
    project, _, study_id = key.removeprefix(f"{PREFIX}:{{").removesuffix("}:meta").partition("/")
    return StudyName(project=project, study_id=study_id)


def index_key(project: str) -> str:
    """The sorted set of a project's study ids (all scores 0: in the order of the text)."""
    return f"{PREFIX}:index:{{{project}}}"
