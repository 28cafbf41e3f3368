"""`asktell note`, and where notes are shown and kept."""

from __future__ import annotations

import json

import pytest

import asktell
from tests.integration.cli.conftest import STUDY, CommandLine

pytestmark = pytest.mark.xdist_group("cli")  # one server for all of them


@pytest.fixture
def study(cli: CommandLine) -> asktell.Study:
    """The study of STUDY, with a trial that has ended."""
    cli.run("study", "create", cli.file("study.yaml", f"{STUDY}note: |\n  first line\n  second line\n"))
    study = cli.client.study("s")
    study.ask().tell(loss=0.5)
    return study


def test_notes_are_written_and_shown(cli: CommandLine, study: asktell.Study) -> None:
    cli.run("note", "s", "--trial", "1", "warm-up too short\nsee the log")
    out, _ = cli.run("note", "s")
    assert out.splitlines() == ["first line", "second line", "trial 1: warm-up too short", "  see the log"]
    assert cli.run("note", "s", "--trial", "1")[0].splitlines() == ["warm-up too short", "see the log"]
    out, _ = cli.run("study", "show", "s")
    assert [line.split() for line in out.splitlines()][-2:] == [["note", "first", "line"], ["note", "second", "line"]]
    assert json.loads(cli.run("study", "show", "s", "--json")[0])["note"] == "first line\nsecond line\n"
    assert json.loads(cli.run("trials", "s", "--json")[0])[0]["note"] == "warm-up too short\nsee the log"
    out, _ = cli.run("trials", "s", "--columns", "number,note")
    assert out.splitlines()[1].split(maxsplit=1) == ["1", "warm-up too short see the log"]


def test_notes_are_taken_away_and_refused(cli: CommandLine, study: asktell.Study) -> None:
    cli.run("note", "s", "")
    out, err = cli.run("note", "s")
    assert (out, err) == ("", f"{study.name} has no note\n")
    assert cli.run("note", "s", "--trial", "1")[1] == f"trial 1 of {study.name} has no note\n"
    _, err = cli.run("note", "s", "--trial", "1", "x" * 16_385, code=2)
    assert "the note must have at most 16384 bytes, got 16385" in err
    cli.run("note", "s", "--trial", "9", "x", code=3)


def test_notes_survive_a_study_file_and_an_export(cli: CommandLine, study: asktell.Study) -> None:
    study.trial(1).set_note('a "quoted", note\nof two lines')
    text = cli.run("study", "show", "s", "--yaml")[0].replace("name: s\n", "name: copy\n")
    cli.run("study", "create", cli.file("copy.yaml", text))
    assert cli.client.study("copy").note == "first line\nsecond line\n"
    for name in ("trials.csv", "trials.jsonl"):
        cli.run("export", "s", "-o", name)
        cli.run("import", "copy", name)
    assert [trial.note for trial in cli.client.study("copy").trials()] == [study.trial(1).note]
