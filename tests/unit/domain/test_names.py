"""Resource names: parsing, printing, refusing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.names import (
    StudyName,
    TrialName,
    parse_project,
    parse_study,
    parse_study_id,
    parse_trial,
    parse_trial_argument,
)
from tests.support.strategies import ids, study_names


@given(study_names)
def test_a_study_name_survives_printing_and_parsing(name: StudyName) -> None:
    assert parse_study(str(name), field="study") == name


@given(study_names, st.integers(1, 10**16 - 1))
def test_a_trial_name_survives_printing_and_parsing(study: StudyName, number: int) -> None:
    name = TrialName(study=study, number=number)
    assert parse_trial(str(name), field="name") == name
    assert study.trial(number) == name


@given(ids)
def test_short_forms_mean_the_default_project(study_id: str) -> None:
    full = parse_study(f"projects/default/studies/{study_id}", field="study")
    assert parse_study(study_id, field="study") == full
    assert parse_study(f"studies/{study_id}", field="study") == full
    assert parse_trial(f"studies/{study_id}/trials/3", field="name") == full.trial(3)


@given(study_names, st.integers(1, 10**16 - 1))
def test_people_may_type_a_trial_in_short(study: StudyName, number: int) -> None:
    default = StudyName(project="default", study_id=study.study_id)
    assert parse_trial_argument(f"{study.study_id}/{number}", field="TRIAL") == default.trial(number)
    assert parse_trial_argument(str(study.trial(number)), field="TRIAL") == study.trial(number)


@pytest.mark.parametrize("text", ["", "s", "s/", "/1", "s/0", "s/x", "p/s/1", "s/trials/1", "S/1"])
def test_what_people_type_wrong_is_refused(text: str) -> None:
    _refused(lambda: parse_trial_argument(text, field="TRIAL"), "TRIAL")


def test_no_project_means_the_default_project() -> None:
    assert parse_project("", field="parent") == "default"
    assert parse_project("projects/team-7", field="parent") == "team-7"


BAD_IDS = ["", "A", "-a", ".a", "_a", "a b", "a/b", "é", "a\n", "a\0", "x" * 64, "{a}", "a*"]


@pytest.mark.parametrize("text", BAD_IDS)
def test_bad_study_ids_are_refused(text: str) -> None:
    _refused(lambda: parse_study_id(text, field="study_id"), "study_id")


@pytest.mark.parametrize(
    "text",
    [
        *BAD_IDS,
        "projects/default/studies/",
        "projects//studies/a",
        "projects/default/a",
        "projects/default/studies/a/",
        "/projects/default/studies/a",
        "projects/default/studies/a/trials/1",
        "x" * 100_000,
    ],
)
def test_bad_study_names_are_refused(text: str) -> None:
    _refused(lambda: parse_study(text, field="parent"), "parent")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "a/trials/1",
        "studies/a/trials/0",
        "studies/a/trials/01",
        "studies/a/trials/-1",
        "studies/a/trials/1.0",
        "studies/a/trials/\u0661",
        "studies/a/trials/",
        "studies/a",
        "studies/a/trials/" + "9" * 17,
        "projects/P/studies/a/trials/1",
    ],
)
def test_bad_trial_names_are_refused(text: str) -> None:
    _refused(lambda: parse_trial(text, field="name"), "name")


@pytest.mark.parametrize("text", ["default", "projects/", "projects/A", "projects/a/studies/b", "projects/a/"])
def test_bad_projects_are_refused(text: str) -> None:
    _refused(lambda: parse_project(text, field="parent"), "parent")


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        name = parse_study(text, field="study")
    except InvalidArgument:
        return
    assert parse_study(str(name), field="study") == name


def _refused(parse: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse()
    assert caught.value.field == field
    assert caught.value.reason is ErrorReason.INVALID_FIELD
    assert len(caught.value.message) < 400, "a long name is shortened in the message"
