"""One server for the tests of this directory, and the command line as a person runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import asktell
from tests.support.server import ServerProcess

STUDY = """\
name: s
objectives: [{metric: loss, goal: minimize}]
metrics: [acc]
parameters:
  lr: {type: float, min: 1e-5, max: 1e-1, scale: log}
  batch-size: {type: discrete, values: [8, 16]}
  nesterov: {type: bool}
algorithm: random
seed: 1
"""


@dataclass(frozen=True)
class CommandLine:
    """Runs `asktell` in a directory and project of its own."""

    directory: Path
    environment: dict[str, str]
    project: str
    client: asktell.Client

    def start(self, *arguments: str, prelude: str = "") -> subprocess.Popen[str]:
        """Starts a command, in an interpreter that runs `prelude` before it."""
        program = f"{prelude}\nimport runpy; runpy.run_module('asktell', run_name='__main__', alter_sys=True)"
        return subprocess.Popen(
            [
                sys.executable,
                *(["-c", program] if prelude else ["-m", "asktell"]),
                "--project",
                self.project,
                *arguments,
            ],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """Runs a command to its end and checks its exit code; returns what it wrote to stdout and stderr."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, f"exit {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in err
        return out, err

    def file(self, name: str, text: str) -> str:
        """Writes a file and returns its name."""
        (self.directory / name).write_text(text, encoding="utf-8")
        return name


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server on its embedded store."""
    with ServerProcess(tmp_path_factory.mktemp("cli-server")) as process:
        yield process


@pytest.fixture
def cli(server: ServerProcess, tmp_path: Path) -> Iterator[CommandLine]:
    """The command line, with a client to look at what it did."""
    project = f"p{uuid.uuid4().hex[:12]}"
    environment = {**os.environ, "ASKTELL_ADDRESS": server.address, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
    with asktell.Client(server.address, project=project) as client:
        yield CommandLine(tmp_path, environment, project, client)
