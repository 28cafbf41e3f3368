"""Every command but `run`, by real processes against a real server."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from typing import Any

import pytest

import asktell
from tests.integration.cli.conftest import STUDY, CommandLine

pytestmark = pytest.mark.xdist_group("cli")  # one server for all of them


@pytest.fixture
def study(cli: CommandLine) -> Any:
    """The study of STUDY, with two results and a failed trial."""
    cli.run("study", "create", cli.file("study.yaml", STUDY))
    study = cli.client.study("s")
    for loss in (0.5, 0.25):
        study.ask().tell(loss=loss, acc=0.9)
    study.ask().fail("out of memory\nkilled")
    return study


def test_create_list_show(cli: CommandLine) -> None:
    modelled = STUDY.replace("algorithm: random", "algorithm: auto")
    file = cli.file("study.yaml", f"{modelled}stopping: {{max_trials: 2}}\n")
    out, err = cli.run("study", "create", file)
    assert out.strip() == f"projects/{cli.project}/studies/s"
    assert "warning: study.yaml:10:24: stopping.max_trials: 2 trials are few" in err
    _, err = cli.run("study", "create", file, code=1)
    assert "exists" in err
    cli.run("study", "create", file, "--exist-ok")
    changed = cli.file("changed.yaml", modelled.replace("1e-1", "1e-2"))
    _, err = cli.run("study", "create", changed, "--exist-ok", code=1)
    assert "another space (lr)" in err

    out, _ = cli.run("study", "list")
    assert "minimize loss" in out
    assert [each["name"] for each in json.loads(cli.run("study", "list", "--json")[0])] == [
        f"projects/{cli.project}/studies/s"
    ]
    out, err = cli.run("study", "show", "s")
    assert "float 1e-05 to 0.1, log" in out
    assert "trials are few" in err
    shown = json.loads(cli.run("study", "show", "s", "--json")[0])
    assert shown["stopping"]["max_trials"] == 2
    assert shown["parameters"]["batch-size"] == {
        "type": "discrete",
        "values": [8, 16],
        "default": None,
        "when": None,
        "prior": None,
        "context": False,
        "fidelity": None,
    }


def test_wrong_files_name_the_line(cli: CommandLine) -> None:
    _, err = cli.run("study", "create", cli.file("a.yaml", STUDY.replace("goal:", "gaol:")), code=2)
    assert err.startswith("error: a.yaml:2:29: objectives[0]: unknown key 'gaol', did you mean 'goal'?")
    _, err = cli.run("study", "create", cli.file("b.yaml", STUDY.replace("1e-1", "1e-7")), code=2)
    assert err.startswith("error: b.yaml:5:37: parameters.lr.max: must be greater than min")  # the server says so
    _, err = cli.run("study", "create", cli.file("c.yaml", STUDY.replace("minimize", "minimize, split: test")), code=2)
    assert err.startswith("error: c.yaml:2:")


def test_steering(cli: CommandLine, study: Any) -> None:
    for command, state in (("pause", "PAUSED"), ("resume", "ACTIVE"), ("finish", "FINISHED")):
        assert state in cli.run("study", command, "s")[0]
        assert study.refresh().state == state
    assert "not deleted" in cli.run("study", "delete", "s", code=1)[1]  # nobody there to confirm
    assert len(cli.client.studies()) == 1
    cli.run("study", "delete", "s", "--yes")
    assert cli.client.studies() == []


def test_a_finished_study_goes_on_with_other_rules(cli: CommandLine, study: Any) -> None:
    out, _ = cli.run("study", "update", "s", "--max-trials", "3", "--target", "0.1")
    assert out == f"{study.name} FINISHED (MAX_TRIALS)\n"
    goes_on = f"(asktell study update {study.name} --max-trials N goes on"
    _, err = cli.run("study", "resume", "s", code=4)
    assert err.startswith(f"error: study is complete: its budget of trials is used up {goes_on}")
    _, err = cli.run("run", "s", "--", "true", code=4)
    assert goes_on in err
    out, err = cli.run("study", "update", "s", "--max-trials", "2")
    assert out == f"{study.name} FINISHED (MAX_TRIALS)\n"
    assert goes_on in err
    with pytest.raises(asktell.StudyComplete, match=r"study.update\(max_trials=…\) goes on"):
        study.ask()
    assert cli.run("study", "update", "s", "--max-trials", "none")[0] == f"{study.name} ACTIVE\n"
    assert study.ask().number == 4, "a handle that saw the end asks again"
    assert study.refresh().stopping == asktell.StoppingRules(target=0.1)

    cli.run("study", "finish", "s")
    out, err = cli.run("study", "update", "s", "--patience", "9")
    assert (out, f"asktell study resume {study.name}" in err) == (f"{study.name} FINISHED (REQUESTED)\n", True)
    cli.run("study", "resume", "s")
    assert study.ask().number == 5


def test_labels_are_changed_one_by_one(cli: CommandLine, study: Any) -> None:
    study.update(labels={"a": "1", "b": "2", "empty": ""}, annotations={"run": "x"}, display_name="title")
    cli.run("study", "update", "s", "--label", "b=", "--label", "c=3=3", "--display-name", "none")
    assert (study.refresh().labels, study.display_name) == ({"a": "1", "c": "3=3", "empty": ""}, "")
    cli.run("study", "update", "s", "--label", "none", "--label", "d=4", "--annotation", "none")
    assert (study.refresh().labels, study.annotations) == ({"d": "4"}, {})
    assert "is neither KEY=VALUE nor none" in cli.run("study", "update", "s", "--label", "d", code=2)[1]


def test_what_is_not_there(cli: CommandLine) -> None:
    for arguments in (("study", "show", "s"), ("trials", "s"), ("best", "s"), ("run", "s", "--", "true")):
        _, err = cli.run(*arguments, code=3)
        assert err.strip() == f"error: study projects/{cli.project}/studies/s does not exist"


def test_no_server(cli: CommandLine) -> None:
    # A port that is reserved for nothing that listens on a test machine.
    _, err = cli.run("--address", "127.0.0.1:1", "study", "list", code=5)
    assert err.startswith(
        "error: no server answers at 127.0.0.1:1: nothing listens there; start one: asktell-server serve"
    )
    assert "--wait 60" in err
    assert "ASKTELL_WAIT" not in err


@pytest.mark.parametrize("command", [("study", "list"), ("run", "s", "--", "true")])
def test_an_interrupt_is_no_traceback(cli: CommandLine, command: tuple[str, ...]) -> None:
    waiting = cli.start("--address", "127.0.0.1:1", "--wait", "600", *command)
    assert waiting.stderr is not None
    assert waiting.stderr.readline() == "warning: waiting for a server at 127.0.0.1:1\n"
    waiting.send_signal(signal.SIGINT)
    err = waiting.communicate(timeout=60)[1]
    assert (waiting.returncode, err.strip()) == (130, "interrupted")


def test_errors_name_what_was_typed(cli: CommandLine, study: Any) -> None:
    for arguments, code, complaint in [
        (("enqueue", "s", "lr=7", "batch-size=8", "nesterov=no"), 2, "lr: must be in [1e-05, 0.1]"),
        (("watch", "s", "--cursor", "x"), 2, "--cursor: is not a cursor"),
        (("study", "update", "s", "--max-staleness", "5000"), 2, "--max-staleness: must be 0 to 1000"),
        (("study", "create", "study.yaml"), 1, "exists already (--exist-ok takes it if it is the same)"),
        (("study", "update", "s", "--max-trials", "x"), 2, "'--max-trials': 'x' is not a valid whole number."),
        (("trials", "s", "--columns", "x"), 2, "error: no column 'x'; known are number, best, state, "),
        (("--address", "http://x:1", "study", "list"), 1, "or --tls"),
    ]:
        _, err = cli.run(*arguments, code=code)
        assert complaint in err
        assert "error: " in err


def test_trials(cli: CommandLine, study: Any) -> None:
    out, _ = cli.run("trials", "s")
    assert next(line for line in out.splitlines() if "★ BEST" in line).split()[0] == "2"
    assert "killed" in out
    records = json.loads(cli.run("trials", "s", "--json")[0])
    assert [(each["number"], each["best"], each["state"]) for each in records] == [
        (1, False, "SUCCEEDED"),
        (2, True, "SUCCEEDED"),
        (3, False, "FAILED"),
    ]
    assert records[1]["metrics"] == {"loss": 0.25, "acc": 0.9}
    assert [type(value) for value in records[1]["params"].values()] == [float, int, bool]
    rows = list(csv.DictReader(io.StringIO(cli.run("trials", "s", "--csv")[0])))
    assert [row["metric.loss"] for row in rows] == ["0.5", "0.25", ""]
    assert float(rows[0]["param.lr"]) == records[0]["params"]["lr"]
    assert rows[2]["reason"] == "out of memory\nkilled"
    assert [each["number"] for each in json.loads(cli.run("trials", "s", "--json", "--state", "failed")[0])] == [3]
    assert cli.run("trials", "s", "--json", "--csv", code=2)


def test_a_table_without_unicode(cli: CommandLine, study: Any) -> None:
    environment = {**cli.environment, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    plain = CommandLine(cli.directory, environment, cli.project, cli.client)
    out, _ = plain.run("trials", "s")
    assert "BEST" in out
    assert "★" not in out


def test_best(cli: CommandLine, study: Any) -> None:
    out, _ = cli.run("best", "s")
    assert "0.25" in out
    assert json.loads(cli.run("best", "s", "--json")[0])["number"] == 2
    assert [each["number"] for each in json.loads(cli.run("best", "s", "-n", "5", "--json")[0])] == [2, 1]
    assert cli.run("best", "s", "--columns", "number,loss")[0].split() == ["#", "loss", "2", "0.25"]
    assert "--columns and --wide are for the table" in cli.run("best", "s", "--json", "--wide", code=2)[1]
    study.delete()
    cli.run("study", "create", cli.file("study.yaml", STUDY))
    assert "has no result yet" in cli.run("best", "s", code=1)[1]


def test_what_people_call_things_is_no_markup(cli: CommandLine) -> None:
    study = cli.client.create_study(
        "s",
        space={"kind": asktell.Categorical(["[/x]", "[red]"])},
        objectives=asktell.Minimize("loss"),
        display_name="[bold]ours[/y] :smile:",
    )
    study.import_trials([asktell.ImportedTrial(key="1", params={"kind": "[/x]"}, metrics={"loss": 0.5})])
    facts = cli.run("study", "show", "s")[0].splitlines()
    assert [line.split(maxsplit=1)[1] for line in facts if line.startswith(("title ", "parameter "))] == [
        "[bold]ours[/y] :smile:",
        "kind: categorical [/x], [red]",
    ]
    best = cli.run("best", "s")[0].splitlines()
    assert best[0] == f"★ BEST {study.name}/trials/1"
    assert ["kind", "[/x]"] in [line.split() for line in best]
    assert all(line == line.rstrip() for line in facts + best)


def test_best_of_noisy_results(cli: CommandLine) -> None:
    cli.run("study", "create", cli.file("study.yaml", STUDY))
    study = cli.client.study("s")
    for value in (0.4, 0.1, 0.9, 0.7, 0.3):
        study.ask().tell(loss=asktell.MetricValue(value, standard_error=0.3))
    out, _ = cli.run("best", "s")
    assert "★ BEST" in out
    assert "☆ MODEL" in out
    assert "expected without noise" in out
    said = json.loads(cli.run("best", "s", "--json")[0])
    assert said["number"] == 2
    assert said["by_model"]["standard_deviation"] > 0
    records = json.loads(cli.run("trials", "s", "--json")[0])
    assert [each["number"] for each in records if each["best"]] == [2]
    assert [each["number"] for each in records if each["best_by_model"]] == [said["by_model"]["number"]]
    rows = list(csv.DictReader(io.StringIO(cli.run("trials", "s", "--csv")[0])))
    assert sum(int(row["best_by_model"]) for row in rows) == 1
    assert "☆ MODEL" in cli.run("trials", "s")[0]


def test_enqueue(cli: CommandLine, study: Any) -> None:
    out, _ = cli.run("enqueue", "s", "lr=1e-3", "batch-size=16", "nesterov=true")
    assert "QUEUED lr=0.001 batch-size=16 nesterov=true" in out
    assert study.ask().params == {"lr": 1e-3, "batch-size": 16, "nesterov": True}
    assert "did you mean 'lr'" in cli.run("enqueue", "s", "l=1", code=2)[1]
    _, err = cli.run("enqueue", "s", "lr=7", "batch-size=8", "nesterov=false", code=2)
    assert err == "error: lr: must be in [1e-05, 0.1], got 7.0\n"
    _, err = cli.run("study", "update", "s", "--max-staleness", "9999", code=2)
    assert err == "error: --max-staleness: must be 0 to 1000, got 9999\n"


def test_watch(cli: CommandLine, study: Any) -> None:
    watching = cli.start("watch", "s", "--from-start", "--json")
    assert watching.stdout is not None
    first = json.loads(watching.stdout.readline())
    assert first["study"]["state"] == "ACTIVE"
    seen = [json.loads(watching.stdout.readline()) for _ in range(6)]
    assert [(each["trial"]["number"], each["trial"]["state"]) for each in seen] == [
        (1, "RUNNING"),
        (1, "SUCCEEDED"),
        (2, "RUNNING"),
        (2, "SUCCEEDED"),
        (3, "RUNNING"),
        (3, "FAILED"),
    ]
    trial = study.ask()  # while it watches
    trial.report(step=1, loss=0.3)
    assert json.loads(watching.stdout.readline())["trial"]["number"] == 4
    reported = json.loads(watching.stdout.readline())
    assert reported["reported"] == {"trial": 4, "step": 1, "metrics": {"loss": 0.3}}
    study.pause()
    paused = json.loads(watching.stdout.readline())["study"]
    assert (paused["state"], paused["trial_counts"]["succeeded"], paused["trial_counts"]["running"]) == ("PAUSED", 2, 1)
    watching.send_signal(2)
    assert watching.wait(timeout=60) == 130
    assert watching.communicate()[1].strip() == "interrupted"

    resumed = cli.start("watch", "s", "--cursor", seen[4]["cursor"])
    assert resumed.stdout is not None
    assert resumed.stdout.readline() == "trial 3 FAILED lr={} batch-size={} nesterov={} (killed)\n".format(
        *(
            f"{value:.6g}" if isinstance(value, float) else str(value).lower()
            for value in seen[4]["trial"]["params"].values()
        )
    )
    resumed.send_signal(2)
    assert resumed.wait(timeout=60) == 130
    resumed.communicate()


@pytest.mark.parametrize("command", ["trials s --json", "trials s", "export s", "best s"])
def test_a_closed_pipe_is_no_traceback(cli: CommandLine, study: Any, command: str) -> None:
    process = subprocess.Popen(
        ["sh", "-c", f'"$0" -m asktell --project "$1" {command} | head -c 1', sys.executable, cli.project],
        env=cli.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = process.communicate(timeout=60)
    assert len(out) == 1
    assert err == b""
