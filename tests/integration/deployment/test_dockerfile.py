"""server/Dockerfile, as far as it can be checked without an engine: what it copies, and what it runs."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from pathlib import Path, PurePosixPath

from asktell_server.cli import main
from tests.integration.deployment.balancer import ROOT
from tests.support.environments import build_wheel

DOCKERFILE = (ROOT / "server/Dockerfile").read_text()


def copied() -> list[tuple[str, str]]:
    """Source and target of everything that comes from the repository."""
    lines = [line.split() for line in re.findall(r"^COPY (?!--)(.+)$", DOCKERFILE, re.MULTILINE)]
    return [
        (source, f"{target}{source}" if target.endswith("/") else target)
        for *sources, target in lines
        for source in sources
    ]


def allowed() -> list[PurePosixPath]:
    """What .dockerignore lets into the build; everything else stays out."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    return [PurePosixPath(line[1:]) for line in lines if line.startswith("!")]


def exec_form(instruction: str) -> list[str]:
    """The argument list of an instruction; exec form is what hands signals to the server itself."""
    (arguments,) = re.findall(rf"^{instruction}.*?(\[.+\])$", DOCKERFILE, re.MULTILINE)
    found: list[str] = json.loads(arguments)
    return found


def test_everything_copied_is_there_and_let_in() -> None:
    for source, _ in copied():
        assert (ROOT / source).exists(), source
        assert any(PurePosixPath(source).is_relative_to(path) for path in allowed()), f"{source} is kept out"


def test_both_distributions_build_from_what_is_copied(tmp_path: Path) -> None:
    for source, target in copied():
        destination = tmp_path / "src" / target
        destination.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, destination, ignore=shutil.ignore_patterns("__pycache__", "tests"))
        else:
            shutil.copy(ROOT / source, destination)
    wheels = [build_wheel(tmp_path / "src" / directory, tmp_path / "dist") for directory in (".", "clients/python")]
    names = {name for wheel in wheels for name in zipfile.ZipFile(wheel).namelist()}
    assert {"asktell_server/cli.py", "asktell_server/store/lua/commit.lua", "asktell/v1/trial_pb2.py"} <= names


def test_the_image_serves_as_a_user_without_rights_and_stops_on_sigterm() -> None:
    final = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    assert re.search(r"^USER asktell$", final, re.MULTILINE)
    assert re.search(r"^STOPSIGNAL SIGTERM$", final, re.MULTILINE)


def test_what_the_image_runs_are_commands_of_the_server() -> None:
    for command in ([*exec_form("ENTRYPOINT"), *exec_form("CMD")], exec_form("HEALTHCHECK")):
        program, name, *arguments = command
        assert program == "asktell-server"
        main.commands[name].make_context(name, arguments)
