"""`asktell-server explain`: beside a server that runs, and after it has stopped."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import asktell
from tests.support.server import ServerProcess


def _explain(*arguments: str, code: int = 0) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "asktell_server.cli", "explain", *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stdout if code == 0 else ended.stderr


def test_a_trial_is_explained_while_the_server_runs_and_afterwards(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server, asktell.Client(server.address) as client:
        study = client.create_study(
            "lora", space={"lr": asktell.Float(1e-5, 1e-1, log=True)}, objectives=[asktell.Minimize("loss")]
        )
        for index in range(7):
            study.ask().tell(loss=(index - 3) ** 2)
        data = ["--data-dir", str(server.data_dir)]
        running = _explain("lora/7", *data)
        assert study.ask().number == 8  # the server has not noticed
        assert (
            _explain("lora/9", *data, code=1) == "Error: trial projects/default/studies/lora/trials/9 does not exist\n"
        )
    stopped = _explain("projects/default/studies/lora/trials/7", *data, "--json")
    assert "reproduced      yes, to the last bit" in running
    said = json.loads(stopped)
    assert said["origin"] == "MODEL"
    assert said["repetition"]["reproduced"]
    assert f"{said['prediction']['mean']:.6g}" in running


def test_what_is_wrong_is_said_in_a_sentence(tmp_path: Path) -> None:
    assert "no studies in" in _explain("s/1", "--data-dir", str(tmp_path / "nowhere"), code=1)
    assert "must be STUDY/NUMBER" in _explain("s", code=2)
    assert "exclude each other" in _explain("s/1", "--store", "redis://x", "--data-dir", "y", code=2)
    assert "--store" in _explain("s/1", "--store", "ftp://x", code=1)
