"""Requests about studies, built from Python values."""

from __future__ import annotations

import os
from pathlib import Path

from google.protobuf.field_mask_pb2 import FieldMask

from asktell._core.flow import new_request_id
from asktell._core.not_yet import STUDY, refuse
from asktell._core.study_view import STUDY_FIELDS, encode_study
from asktell._core.values import real, text, whole
from asktell.study_spec import StudyChanges, StudyOptions
from asktell.v1 import study_pb2, study_service_pb2


def full_study_name(project: str, name: str) -> str:
    """`projects/…/studies/…` for an id, `studies/{id}` or a full name."""
    text(name, "the study's name")
    if name.startswith("projects/"):
        return name
    return f"projects/{project}/studies/{name.removeprefix('studies/')}"


def create_request(
    project: str, study_id: str, options: StudyOptions, *, exist_ok: bool = False
) -> study_service_pb2.CreateStudyRequest:
    """CreateStudy. Raises TypeError or ValueError naming the argument."""
    return study_service_pb2.CreateStudyRequest(
        parent=f"projects/{project}",
        study_id=text(study_id, "study_id"),
        study=encode_study(options),
        exist_ok=exist_ok,
        request_id=new_request_id(),
    )


def file_request(
    project: str, path: str | os.PathLike[str], *, study_id: str = "", exist_ok: bool = False, check: bool = False
) -> study_service_pb2.CreateStudyRequest:
    """CreateStudy from a study file, or with `check` only its reading.

    Raises:
        OSError: the file cannot be read. ValueError: it is not UTF-8 text.
    """
    try:
        content = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{os.fspath(path)}: is not UTF-8 text") from None
    return study_service_pb2.CreateStudyRequest(
        parent=f"projects/{project}",
        study_id=text(study_id, "study_id"),
        study_file=content or "# an empty file\n",  # "" would mean that there is none
        exist_ok=exist_ok,
        validate_only=check,
        request_id="" if check else new_request_id(),
    )


def update_request(name: str, changes: StudyChanges, *, etag: str) -> study_service_pb2.UpdateStudyRequest:
    """UpdateStudy of what `changes` names. Raises TypeError or ValueError naming the argument."""
    study = study_pb2.Study(name=name, etag=etag)
    mask = FieldMask()
    for change, value in changes.items():
        field = STUDY_FIELDS.get(change)
        if field is None or not field.changeable:
            refuse(STUDY, [change], "update")
            changeable = ", ".join(each.name for each in STUDY_FIELDS.values() if each.changeable)
            raise TypeError(f"{change} cannot be changed; {changeable} can")
        field.put(study, value)
        mask.paths.extend(field.paths)
    return study_service_pb2.UpdateStudyRequest(study=study, update_mask=mask, request_id=new_request_id())


def reopen_request(
    name: str,
    *,
    decay: float | None,
    remeasure: int | None,
    keep: bool,
    more_trials: int | None,
    etag: str,
) -> study_service_pb2.ReopenStudyRequest:
    """ReopenStudy. Raises TypeError or ValueError naming the argument."""
    return study_service_pb2.ReopenStudyRequest(
        name=name,
        etag=etag,
        request_id=new_request_id(),
        decay=None if decay is None else real(decay, "decay"),
        remeasure=0 if remeasure is None else whole(remeasure, "remeasure"),
        keep=keep,
        more_trials=None if more_trials is None else whole(more_trials, "more_trials"),
    )


def state_request(name: str, state: study_pb2.StudyState.ValueType) -> study_service_pb2.UpdateStudyRequest:
    """UpdateStudy that pauses, resumes or finishes."""
    return study_service_pb2.UpdateStudyRequest(
        study=study_pb2.Study(name=name, state=state),
        update_mask=FieldMask(paths=["state"]),
        request_id=new_request_id(),
    )
