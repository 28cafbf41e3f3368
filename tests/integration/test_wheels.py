"""Both wheels, built from the tree and installed by pip into an environment of their own, run the README's loop.

The environment has links to the requirements that are installed here, those that the wheels declare and no others, so that
nothing is downloaded; torch is there without CUDA, as `make setup` installs it. With ASKTELL_CLEAN_INSTALL=1 (`make
test-install`) it is a clean one, and everything comes from the package index. With ASKTELL_WHEELS=FOLDER (`make release`) the
wheels are those that lie there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tomllib
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.environments import build_wheel, linked_environment, run, user_environment
from tests.support.ports import free_port
from tests.support.readme import blocks
from tests.support.valkey import wait_until

ROOT = Path(__file__).resolve().parents[2]
CLEAN = os.environ.get("ASKTELL_CLEAN_INSTALL") == "1"
START_S = 90.0
TRAIN = "def train(lr, rank):\n    return lr * rank\n\n"

pytestmark = pytest.mark.timeout(3600 if CLEAN else 300)


def requirements() -> list[str]:
    """What the two distributions declare, but each other."""
    texts = []
    for directory in (ROOT, ROOT / "clients/python"):
        texts += tomllib.loads((directory / "pyproject.toml").read_text())["project"]["dependencies"]
    return [text for text in texts if not text.startswith("asktell==")]


def wheels(into: Path) -> list[Path]:
    released = os.environ.get("ASKTELL_WHEELS")  # of scripts/release.sh
    if released:
        return sorted(Path(released).resolve().glob("*.whl"))
    return [build_wheel(directory, into) for directory in (ROOT, ROOT / "clients/python")]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with both wheels."""
    directory = tmp_path_factory.mktemp("install")
    script, constraint = ROOT / "scripts/without_cuda.py", ("--constraint", ROOT / "constraints.txt")
    offline: tuple[str, ...] = ()
    if CLEAN:
        venv.create(directory / "venv", with_pip=True)
        python = directory / "venv/bin/python"
    else:
        python = linked_environment(directory / "venv", requirements())
        offline = ("--no-index",)
    built = wheels(directory)
    run(python, script, *constraint)
    run(python, "-m", "pip", "install", "--disable-pip-version-check", *offline, *constraint, *built)
    run(python, "-m", "pip", "check")
    return python


@contextmanager
def serving(python: Path, directory: Path) -> Iterator[str]:
    """`asktell-server serve` of the environment, on its embedded store."""
    address, ready = f"127.0.0.1:{free_port()}", directory / "ready"
    command: list[str | Path] = [python.parent / "asktell-server", "serve", "--listen", address, "--workers", "1"]
    with (directory / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "--data-dir", directory / "data", "--ready-file", ready],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=user_environment(), cwd=directory,
        )  # fmt: skip
    try:
        wait_until(lambda: ready.exists() or server.poll() is not None, what="the server's start", timeout_s=START_S)
        assert server.poll() is None, (directory / "log").read_text()
        yield address
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
    finally:
        server.kill()
        server.wait()


def test_the_wheels_run_the_loop_of_the_readme(python: Path, tmp_path: Path) -> None:
    where = "import asktell, asktell_server, torch; print(asktell.__file__, asktell_server.__file__)"
    assert str(ROOT) not in run(python, "-c", where, cwd=tmp_path)
    assert "False" in run(python, "-c", "import torch; print(torch.cuda.is_available())", cwd=tmp_path)
    with serving(python, tmp_path) as address:
        loop = blocks(ROOT / "README.md", "python")[0].replace("localhost:50051", address)
        assert "rank" in run(python, "-c", f"{TRAIN}{loop}", cwd=tmp_path)
        asktell = python.parent / "asktell"
        assert "★" in run(asktell, "--address", address, "trials", "lora", cwd=tmp_path)
        study = ROOT / "examples/lora_finetune/study.yaml"
        run(asktell, "--address", address, "study", "check", study, cwd=tmp_path)
    assert "Traceback" not in (tmp_path / "log").read_text()
