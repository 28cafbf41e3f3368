"""Names of keys."""

from __future__ import annotations

from hypothesis import given
from redis.crc import key_slot

from asktell_server.domain.names import StudyName
from asktell_server.store.keys import index_key, meta_key, name_of_meta_key, study_keys
from tests.support import strategies


@given(strategies.study_names, strategies.texts)
def test_all_keys_of_a_study_are_in_one_slot(name: StudyName, request_id: str) -> None:
    keys = study_keys(name, request_id)
    assert len({key_slot(key.encode()) for key in keys}) == 1
    assert len(set(keys)) == len(keys)
    assert meta_key(name) == keys[0]
    assert name_of_meta_key(keys[0]) == name


@given(strategies.study_names, strategies.study_names)
def test_keys_of_two_studies_differ(one: StudyName, other: StudyName) -> None:
    shared = set(study_keys(one, "r")) & set(study_keys(other, "r"))
    assert bool(shared) == (one == other)
    assert index_key(one.project) not in study_keys(other, "r")
