"""What UpdateStudy changes can be changed from Python and from the command line, and taken away there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from asktell._core.study_requests import update_request
from asktell._core.study_view import STUDY_FIELDS
from asktell.cli.steering_commands import FLAGS, update
from asktell.study_spec import StudyChanges
from asktell.v1 import study_pb2
from asktell_server.domain.errors import AsktellError
from asktell_server.protocols.asktell_v1.conversion.studies import update_from


def _mutable_paths() -> Iterator[str]:
    """Every path of Study that the server takes in an update mask, but the state, which has commands of its own."""
    paths = [field.name for field in study_pb2.Study.DESCRIPTOR.fields]
    paths += [f"stopping_rules.{field.name}" for field in study_pb2.StoppingRules.DESCRIPTOR.fields]
    for path in paths:
        if path in ("state", "stopping_rules"):
            continue
        try:
            update_from(study_pb2.Study(), [path])
        except AsktellError:
            continue
        yield path


def test_every_mutable_field_has_a_keyword_and_a_flag() -> None:
    by_path = {path: name for name, field in STUDY_FIELDS.items() if field.changeable for path in field.paths}
    paths = set(_mutable_paths())
    assert len(paths) >= 9
    assert paths == set(by_path), "a Field of StudyView is changeable exactly when UpdateStudy changes it"
    assert set(by_path.values()) == set(FLAGS) == set(StudyChanges.__annotations__)
    flags = {flag for option in update.params for flag in option.opts}
    assert {flag.name for flag in FLAGS.values()} <= flags


@pytest.mark.parametrize("name", FLAGS)
def test_every_mutable_field_can_be_taken_away(name: str) -> None:
    request = update_request("projects/p/studies/s", {name: None}, etag="")  # type: ignore[misc] # a name of StudyChanges
    assert list(request.update_mask.paths) == list(STUDY_FIELDS[name].paths)
    changed = update_from(request.study, list(request.update_mask.paths))
    values = [*changed.changes.values(), *changed.stopping.values()]
    assert len(values) == len(STUDY_FIELDS[name].paths)
    assert not any(values)
