"""What is kept of a run: command lines without secrets, the commit, what a command took."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import asktell
from asktell._core.record.git import GitHangs, git_facts
from asktell._core.record.redaction import command_line, redacted
from asktell.cli.running.metrics import MetricsReader
from asktell.cli.running.recording import Recorder
from asktell.cli.running.usage import Usage
from asktell.v1 import trial_pb2

USAGE = Usage(duration_s=1.25, cpu_s=0.5, peak_memory_bytes=1000)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["train", "--token", "abc", "--lr", "1e-3"], ["train", "--token", "***", "--lr", "1e-3"]),
        (["train", "--api-key=abc"], ["train", "--api-key=***"]),
        (["env", "HF_TOKEN=abc", "WANDB_API_KEY=x", "train"], ["env", "HF_TOKEN=***", "WANDB_API_KEY=***", "train"]),
        (["train", "--db.dbPassword", "abc"], ["train", "--db.dbPassword", "***"]),
        (["train", "store.secret_key=abc"], ["train", "store.secret_key=***"]),
        (["get", "https://me:abc@host/x"], ["get", "https://***@host/x"]),
        (["get", "https://host/x?sig=abc&v=1"], ["get", "https://host/x?sig=***&v=1"]),
        (["curl", "-H", "Authorization: Bearer abc.def"], ["curl", "-H", "Authorization: Bearer ***"]),
        (["sh", "-c", "exec HF_TOKEN='a b' train --lr 1"], ["sh", "-c", "exec HF_TOKEN=*** train --lr 1"]),
        (["sh", "-c", "HF_TOKEN=a b"], ["sh", "-c", "HF_TOKEN=***"]),  # all of it may be the value
        (["sh", "-c", "train --token abc --lr 1"], ["sh", "-c", "train --token *** --lr 1"]),
        (["sh", "-c", "train --api-key=abc; x-api-key=abc y"], ["sh", "-c", "train --api-key=***; x-api-key=*** y"]),
        (["sh", "-c", """sh -c 'train --token "a b"c'"""], ["sh", "-c", "sh -c 'train --token ***'"]),
        (["sh", "-c", "train --token --lr 1 --password 'a b"], ["sh", "-c", "train --token --lr 1 --password ***"]),
        (["train", "hf_" + "a" * 30], ["train", "***"]),
        (["train", "--note", "AKIA" + "A" * 16], ["train", "--note", "***"]),
        (["train", "--token", "--lr", "1"], ["train", "--token", "--lr", "1"]),  # a flag without a value
        # What training programs say often, and is no secret.
        *(
            (words, words)
            for words in (
                ["train", "--max-tokens", "512", "--tokenizer", "bert", "--num_tokens=3"],
                ["sh", "-c", "train --max-tokens 512 --tokenizer bert --num_tokens=3 --sort-key loss non-token x"],
                ["train", "--sort-key", "loss", "--keys=a,b", "--author", "me"],
                ["train", "--password-file", "--lr={lr}"],
                ["train", "lr=0.1", "-x", "a@b", "monkey=1"],
            )
        ),
    ],
)
def test_secrets_are_hidden(words: list[str], shown: list[str]) -> None:
    assert redacted(words) == shown


def test_a_command_line_is_what_a_shell_takes_and_is_cut() -> None:
    assert command_line(["sh", "-c", "echo 'a b'", "{x}"]) == """sh -c 'echo '"'"'a b'"'"'' '{x}'"""
    assert len(command_line(["x" * 5000])) == 4096


def test_what_is_no_utf_8_can_be_sent() -> None:
    assert command_line(["train", "caf\udce9"]) == "train 'caf?'"
    reader = MetricsReader({"loss"}, "loss")
    reader.read(r'{"annotations": {"run.\ud800": "a\udfffb"}}')
    record = Recorder({"team": "\udc80"}, git=dict).begin(["train"])
    sent = record.annotations(exit_code=0, usage=USAGE, said=reader.annotations)
    assert (sent["run.?"], sent["team"]) == ("a?b", "?")
    assert dict(trial_pb2.Trial(annotations=sent).annotations) == sent


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with one commit."""
    (tmp_path / "train.py").write_text("print(1)\n")
    for words in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false", "commit", "-qm", "first"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


def test_the_commit_and_whether_files_have_changed(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True
    ).stdout.strip()
    (repository / "untracked").write_text("x")
    assert git_facts(repository, timeout_s=60) == {"run.git_commit": head, "run.git_dirty": "false"}
    (repository / "train.py").write_text("print(2)\n")
    assert git_facts(repository, timeout_s=60) == {"run.git_commit": head, "run.git_dirty": "true"}
    assert git_facts(tmp_path_factory.mktemp("none")) == {}
    assert git_facts(repository / "no-such-directory") == {}


def test_a_git_that_is_missing_fails_or_hangs_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    assert git_facts(tmp_path) == {}
    git = programs / "git"
    git.write_text("#!/bin/sh\nexit 128\n")
    git.chmod(0o755)
    assert git_facts(tmp_path) == {}
    # It answers the first question and hangs at the second.
    git.write_text('#!/bin/sh\ncase "$*" in *rev-parse*) echo abc;; *) exec /bin/sleep 600;; esac\n')
    with pytest.raises(GitHangs) as hangs:
        git_facts(tmp_path, timeout_s=2.0)
    assert hangs.value.known in ({}, {"run.git_commit": "abc"})  # on a busy machine even the first may come late
    assert set(asktell.environment(directory=tmp_path / "none")) >= {"run.host", "run.os", "run.python", "run.command"}


def test_a_git_that_hangs_is_asked_once_in_a_run() -> None:
    asked = []

    def git() -> dict[str, str]:
        asked.append(1)
        raise GitHangs({"run.git_commit": "abc"})

    recorder = Recorder(git=git)
    commits = [
        recorder.begin(["train"]).annotations(exit_code=0, usage=USAGE, said={}).get("run.git_commit") for _ in range(3)
    ]
    assert (commits, len(asked)) == (["abc", None, None], 1)


def test_what_is_said_comes_over_what_is_found_out() -> None:
    recorder = Recorder({"team": "nlp", "run.host": "cluster", "run.dataset": "v1"}, git=dict)
    record = recorder.begin(["train", "--token", "x"]).annotations(
        exit_code=-9, usage=USAGE, said={"run.dataset": "v2"}
    )
    assert {name: value for name, value in record.items() if name not in ("run.os", "run.python")} == {
        "run.command": "train --token '***'",
        "run.exit_code": "-9",
        "run.duration_s": "1.250",
        "run.cpu_s": "0.500",
        "run.peak_memory_bytes": "1000",
        "run.host": "cluster",
        "run.dataset": "v2",
        "team": "nlp",
    }
    off = Recorder({"team": "nlp"}, enabled=False).begin(["train"])
    assert off.annotations(exit_code=0, usage=USAGE, said={"a": "b"}) == {"team": "nlp", "a": "b"}


def test_annotations_among_the_lines_of_a_program() -> None:
    reader = MetricsReader(declared={"loss"}, objective="loss")
    assert (
        reader.read('{"annotations": {"run.artifact.model": "s3://m", "run.seed": 7, "bad": [1], "no": null}}') is None
    )
    assert reader.read('{"loss": 0.5, "annotations": {"run.seed": 8}}') is None
    assert reader.annotations == {"run.artifact.model": "s3://m", "run.seed": "8"}
    assert reader.result == {"loss": 0.5}
    text = '{"annotations": "of the dataset"}'
    assert reader.read(text) == text


MEASURE = """
import json, sys, dataclasses
from pathlib import Path
from asktell.cli.running.process import Child

def usage(*command):
    running = Child(command, {}, log_path=Path("log"), on_line=lambda line: line, on_text=lambda text: None)
    assert running.wait() == 0
    return dataclasses.asdict(running.usage)

hungry = "x = bytearray(250 << 20); [x.__setitem__(i, 1) for i in range(0, len(x), 4096)]"
print(json.dumps([usage("sh", "-c", f'{sys.executable} -c "{hungry}"; true'), usage("true")]))
"""


def test_a_command_tells_what_it_took(tmp_path: Path) -> None:
    """In a process of its own: below what the one holds that starts a command, nothing can be told of its memory."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    used, small = json.loads(done)
    assert 220 << 20 < used["peak_memory_bytes"] < 400 << 20, "of the child's child"
    assert used["cpu_s"] > 0
    assert used["duration_s"] > 0
    assert small["peak_memory_bytes"] is None


def test_the_environment_of_a_worker(repository: Path) -> None:
    said = asktell.environment(
        seed=7, dataset="imagenet@2", artifacts={"model": "s3://m/7", "log": "file:///l"}, directory=repository
    )
    assert {name: said[name] for name in said if name.startswith(("run.seed", "run.d", "run.a", "run.git_d"))} == {
        "run.seed": "7",
        "run.dataset": "imagenet@2",
        "run.artifact.model": "s3://m/7",
        "run.artifact.log": "file:///l",
        "run.git_dirty": "false",
    }
    assert len(said["run.git_commit"]) == 40
    assert said["run.python"] == ".".join(map(str, sys.version_info[:3]))
    assert all(isinstance(value, str) for value in said.values())
    for bad in ({"seed": 1.5}, {"seed": True}, {"dataset": 3}, {"artifacts": {"m": 1}}):
        with pytest.raises(TypeError, match=next(iter(bad))):
            asktell.environment(**bad)
