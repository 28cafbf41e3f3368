"""The parts of the command line that need no server."""

from __future__ import annotations

import click
import pytest

from asktell import Bool, Categorical, Discrete, Domain, Float, Int
from asktell.cli.main import exit_code
from asktell.cli.output import seconds, short
from asktell.cli.trial_commands import parse_values

SPACE: dict[str, Domain] = {
    "lr": Float(0, 1),
    "n": Int(0, 9),
    "rank": Discrete([4, 8]),
    "scale": Discrete([0.5, 1]),
    "opt": Categorical(["adam", "1"]),
    "on": Bool(),
}


def test_values_are_read_as_their_parameter_asks() -> None:
    found = parse_values(("lr=1", "n=3", "rank=8", "scale=1", "opt=1", "on=True"), SPACE)
    assert found == {"lr": 1.0, "n": 3, "rank": 8, "scale": 1.0, "opt": "1", "on": True}
    assert [type(value) for value in found.values()] == [float, int, int, float, str, bool]


@pytest.mark.parametrize(
    ("word", "complaint"),
    [
        ("lr", "is not NAME=VALUE"),
        ("l=1", "no parameter 'l', did you mean 'lr'"),
        ("n=1.5", "n=1.5: must be a whole number"),
        ("on=maybe", "on=maybe: must be true or false"),
        ("lr=x", "lr=x: must be a number"),
    ],
)
def test_words_that_are_no_values_are_refused(word: str, complaint: str) -> None:
    with pytest.raises(click.UsageError, match=complaint):
        parse_values((word,), SPACE)
    with pytest.raises(click.UsageError, match="twice"):
        parse_values(("n=1", "n=2"), SPACE)


def test_short() -> None:
    assert [short(value) for value in (1e-5, 0.1 + 0.2, 3, True, "x")] == ["1e-05", "0.3", "3", "true", "x"]
    assert [seconds(value) for value in (None, 0.04, 65, 7500)] == ["", "0.0 s", "1 m 05 s", "2 h 05 m"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["--help"], 0),
        (["run", "--help"], 0),
        (["nonsense"], 2),
        (["run", "lora"], 2),
        (["trials", "lora", "--state", "done"], 2),
        (["study", "create", "/nowhere.yaml"], 2),
        (["--address", "http://x", "study", "list"], 1),
        (["run", "s", "--", "no-such-program"], 2),
        (["run", "s", "--metric-regex", "(", "--", "true"], 2),
    ],
)
def test_exit_codes(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(arguments) == code
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    assert shown.err or shown.out


@pytest.mark.parametrize("command", ["study", "trials", "best", "enqueue", "run", "watch", "import", "export"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code([command, "--help"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 5
