"""The parts of the command line that need no server."""

from __future__ import annotations

import click
import pytest

from asktell import Bool, Categorical, Discrete, Domain, Fidelity, Float, Int, InvalidArgument
from asktell._core.shown import short
from asktell.cli import wording
from asktell.cli.main import exit_code
from asktell.cli.output import seconds
from asktell.cli.said import said_of
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


def test_a_fidelity_in_words() -> None:
    assert said_of(Int(1, 9, fidelity=True)) == "int 1 to 9, fidelity"
    chosen = Fidelity(fixed_cost_share=0.1, reduction_factor=4.0)
    assert said_of(Int(1, 9, fidelity=chosen)) == "int 1 to 9, fidelity, fixed cost share 0.1, reduction factor 4"


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


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("search_space.parameters[1]", "parameters.rank"),
        ("search_space.parameters[0].float_domain.min", "parameters.lr.min"),
        ("search_space.parameters[0].default_value", "parameters.lr.default"),
        ("stopping_rules.target_value", "stopping.target"),
        ("lease_policy.lease_duration", "lease.duration_s"),
        ("tracked_metrics[0].metric", "metrics[0].metric"),
        ("max_running_trials", "max_running"),
        ("algorithm.grid.levels[lr]", "algorithm.grid.levels[lr]"),
    ],
)
def test_fields_are_keys_of_study_files(field: str, said: str) -> None:
    assert wording.key(field, ["lr", "rank"]) == said


def test_errors_in_the_words_of_the_command_line() -> None:
    def told(field: str) -> str:
        return wording.sentence(
            InvalidArgument(f"{field}: is wrong", reason="INVALID_FIELD", metadata={"field": field})
        )

    assert told("trials[3].metrics[val/loss]") == "val/loss: is wrong"
    assert told("study.stopping_rules.patience_trials") == "--patience: is wrong"
    assert told("study.labels[team]") == "--label team: is wrong"
    assert told("parent") == "--project: is wrong"
    assert told("study.search_space.parameters[0].int_domain") == "parameters[0]: is wrong"
    assert (
        wording.mistake(FileNotFoundError(2, "No such file or directory", "/ca.pem"))
        == "/ca.pem: No such file or directory"
    )
