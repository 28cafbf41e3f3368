"""Tables of trials on real terminals and in pipes, from a real server."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

import asktell
from tests.integration.cli.conftest import STUDY, CommandLine
from tests.support.server import ServerProcess
from tests.support.terminals import asktell_command, on_terminal

pytestmark = pytest.mark.xdist_group("cli")  # one server for all of them

TRIALS = 500
SPACE: dict[str, asktell.Domain] = {
    f"parameter_{index}": (
        asktell.Float(1e-5, 1e-1, log=True),
        asktell.Int(1, 4096),
        asktell.Categorical(["relu", "gelu", "a_long_category_that_goes_on_and_on"]),
        asktell.Bool(),
    )[index % 4]
    for index in range(20)
}


@pytest.fixture(scope="module")
def big(server: ServerProcess) -> str:
    """The full name of a study of 20 parameters and 500 trials, of which trial 77 is the best."""
    with asktell.Client(server.address) as client:
        study = client.create_study(
            "big",
            space=SPACE,
            objectives=asktell.Minimize("val_loss"),
            metrics=["accuracy"],
            algorithm="random",
            seed=1,
        )
        category = "a_long_category_that_goes_on_and_on"
        rows: list[dict[str, asktell.ParameterValue]] = [
            dict(zip(SPACE, [1e-5 * (number + 1), number, category, number % 2 == 0] * 5, strict=True))
            for number in range(1, TRIALS + 1)
        ]
        study.import_trials(
            asktell.ImportedTrial(
                key=str(number), params=params, metrics={"val_loss": 1 / 3 + abs(number - 77), "accuracy": 0.5}
            )
            for number, params in enumerate(rows, 1)
        )
        return study.name


def shown(cli: CommandLine, *arguments: str, width: int, height: int = 24, **environment: str) -> list[str]:
    """The lines of a command that succeeds on a terminal."""
    code, text = on_terminal(
        asktell_command(*arguments),
        width=width,
        height=height,
        directory=cli.directory,
        environment={**cli.environment, **environment},
    )
    assert code == 0, text
    return text.splitlines()


def test_a_list_of_studies_is_readable(cli: CommandLine) -> None:
    cli.client.create_study(
        "a-name-of-ordinary-length", space={"x": asktell.Float(0, 1)}, objectives=asktell.Minimize("val_loss")
    )
    lines = shown(cli, "study", "list", "--project", cli.project, width=80)
    assert lines[0].split() == ["study", "state", "ended", "budget", "objective", "running"]
    assert lines[2].split() == ["a-name-of-ordinary-length", "ACTIVE", "0", "minimize", "val_loss", "0"]
    assert lines[3] == "not shown, too narrow: queued, created (--wide shows all)"
    assert "created" in shown(cli, "study", "list", "--project", cli.project, "--wide", width=80)[0]


@pytest.mark.parametrize("width", [80, 100, 200])
def test_a_large_study_is_readable(cli: CommandLine, big: str, width: int) -> None:
    lines = shown(cli, "trials", big, "--no-pager", width=width)
    assert all(len(line) <= width for line in lines)
    rows = [line for line in lines if re.match(r" *\d+ ", line) and "SUCCEEDED" in line]
    assert len(rows) == TRIALS
    best = rows[76].split()
    assert best[:4] == ["77", "★", "SUCCEEDED", "0.333333"]
    assert best[4] == "0.00078"
    assert rows[0].split()[:3] == ["1", "SUCCEEDED", "76.3333"]
    assert all("…" not in cell or cell.startswith("a_long_") for cell in rows[0].split())
    hidden = lines[-1]
    assert hidden.startswith("not shown, too narrow: parameter_")
    assert hidden.endswith(" more (--wide shows all)")


def test_a_wide_table_leaves_nothing_out(cli: CommandLine, big: str) -> None:
    lines = shown(cli, "trials", big, "--wide", "--limit", "2", width=80)
    text = "\n".join(lines)
    assert all(name in text for name in [*SPACE, "accuracy", "duration"])
    assert "not shown" not in text
    assert "…" not in text
    assert lines[-1] == f"2 of {TRIALS} trials"


def test_a_pager_where_the_terminal_is_too_short(cli: CommandLine, big: str) -> None:
    pager = cli.directory / "pager"
    pager.write_text("#!/bin/sh\necho paged\nwc -l\n")
    pager.chmod(0o755)
    lines = shown(cli, "trials", big, width=100, PAGER=str(pager))
    assert lines[0] == "paged"
    assert int(lines[1]) > TRIALS
    assert "paged" not in shown(cli, "trials", big, "--no-pager", width=100, PAGER=str(pager))


def test_a_pipe_gets_every_column_and_no_more_space_than_it_needs(cli: CommandLine, big: str) -> None:
    paging = CommandLine(cli.directory, {**cli.environment, "PAGER": "false"}, cli.project, cli.client)
    out, err = paging.run("trials", big)
    assert err == ""
    header, *rows = (re.split(" {2,}", line.strip()) for line in out.splitlines())
    assert header == [
        *("#", "best", "state", "val_loss", *SPACE, "accuracy"),
        *("duration", "reason", "origin", "attempt"),
    ]
    assert len(rows) == TRIALS
    assert {len(row) for row in rows} == {len(header)}
    assert [row[0] for row in rows if row[1] != "-"] == ["77"]
    longest = sum(max(len(row[column]) for row in [header, *rows]) + 2 for column in range(len(header)))
    assert max(len(line) for line in out.splitlines()) <= longest


def test_rows_are_chosen_and_sorted(cli: CommandLine, big: str) -> None:
    best = json.loads(cli.run("trials", big, "--json", "--sort", "val_loss", "--limit", "3")[0])
    assert [each["number"] for each in best] == [77, 76, 78]
    lines = shown(
        cli,
        "trials",
        big,
        "--columns",
        "val_loss,number,param.parameter_1",
        "--last",
        "9",
        "--sort",
        "-val_loss",
        width=80,
    )
    assert [line.split() for line in lines[1:2]] == [["val_loss", "#", "parameter_1"]]
    assert lines[3].split() == ["423.333", "500", "500"]
    assert "did you mean 'val_loss'" in cli.run("trials", big, "--sort", "val_los", code=2)[1]


def test_several_best_trials_are_one_table(cli: CommandLine, big: str) -> None:
    lines = shown(cli, "best", big, "-n", "3", width=80)
    assert [line.split()[0] for line in lines if "SUCCEEDED" in line] == ["77", "76", "78"]


def test_watching_on_a_terminal_is_a_table(cli: CommandLine) -> None:
    cli.run("study", "create", cli.file("study.yaml", f"{STUDY}stopping: {{max_trials: 3}}\n"))
    study: Any = cli.client.study("s")
    trial = study.ask()
    trial.report(step=1, loss=0.5)
    trial.tell(loss=0.25)
    study.ask().fail("out of memory\nkilled")
    study.ask().tell(loss=0.5)
    code, text = on_terminal(
        asktell_command("--project", cli.project, "watch", "s", "--from-start"),
        width=100,
        directory=cli.directory,
        environment=cli.environment,
        interrupt_at="3 trials ended, budget 3",
    )
    lines = [line.split() for line in text.replace("^C", "").splitlines()]
    assert code == 130
    assert "Traceback" not in text
    assert lines[0] == ["study", "ACTIVE,", "0", "trials", "ended,", "budget", "3"]
    assert lines[1] == ["#", "state", "loss", "lr", "batch-size", "nesterov", "acc", "reason"]
    assert [line[:3] for line in lines[3:6:2]] == [["1", "step", "1"], ["2", "RUNNING", lines[5][2]]]
    assert lines[4][:3] == ["1", "SUCCEEDED", "0.25"]
    assert lines[6][-1] == "killed"
    assert ["study", "FINISHED", "(MAX_TRIALS),", "3", "trials", "ended,", "budget", "3"] in lines
