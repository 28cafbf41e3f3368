"""scripts/setup.sh: set-up without CUDA where that works, and pip's ordinary way where it does not.

The script runs on a Python that only writes down what it was told; tests/integration/test_wheels.py installs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.toolchains import require

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts/setup.sh"
PYTHON = """#!/bin/sh
echo "$*" >> told.txt
case "$*" in
  *{fails}*) echo "{words}"; exit 1 ;;
  *--undo*) touch undone ;;
esac
"""


def set_up(
    directory: Path, fails: str, words: str = "a reason", *, gpu: str = ""
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Runs set-up where a command of Python that matches `fails` fails, with these words; returns what Python was told."""
    (directory / "scripts").mkdir()
    (directory / ".venv/bin").mkdir(parents=True)
    shutil.copy(SCRIPT, directory / "scripts")
    python = directory / ".venv/bin/python"
    python.write_text(PYTHON.format(fails=fails, words=words))
    python.chmod(0o755)
    done = subprocess.run(
        [directory / "scripts/setup.sh", "sh"],
        env={**os.environ, "GPU": gpu},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done, (directory / "told.txt").read_text().splitlines()


def stamps(directory: Path) -> set[str]:
    """What says to make that set-up is done."""
    return {path.name for path in (directory / ".venv").glob(".stamp*")}


@pytest.mark.parametrize(
    ("fails", "reason", "installs"),
    [
        ("without_cuda.py*--constraint", "leaving out CUDA failed", 1),
        ("--no-deps*torch", "leaving out CUDA failed", 1),
        ("import*torch", "torch does not start without CUDA", 2),
    ],
)
def test_where_cuda_cannot_be_left_out_set_up_goes_on_with_it(
    tmp_path: Path, fails: str, reason: str, installs: int
) -> None:
    done, told = set_up(tmp_path, fails)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"setup: {reason}; going on with CUDA" in done.stdout
    assert (tmp_path / "undone").exists(), "a stand-in that was installed would stay in the way of pip"
    assert "a reason" in (tmp_path / ".venv/setup.log").read_text()
    assert sum("--editable" in line for line in told) == installs
    assert stamps(tmp_path) == {".stamp"}


@pytest.mark.parametrize("gpu", ["", "0"])
def test_set_up_leaves_out_cuda(tmp_path: Path, gpu: str) -> None:
    done, told = set_up(tmp_path, "no-such-command", gpu=gpu)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "going on with CUDA" not in done.stdout
    assert sum("without_cuda.py --constraint" in line for line in told) == 1
    assert sum("--editable" in line for line in told) == 1
    assert stamps(tmp_path) == {".stamp"}


def test_set_up_takes_cuda_in_where_it_is_asked_to(tmp_path: Path) -> None:
    done, told = set_up(tmp_path, "no-such-command", gpu="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "undone").exists()
    assert not any("--constraint constraints.txt" in line and "without_cuda.py" in line for line in told)
    assert stamps(tmp_path) == {".stamp", ".stamp-gpu"}


@pytest.mark.parametrize(("gpu", "stamp"), [("", ".venv/.stamp"), ("0", ".venv/.stamp"), ("1", ".venv/.stamp-gpu")])
def test_make_looks_for_the_stamp_that_set_up_leaves(gpu: str, stamp: str) -> None:
    make = [str(require("make")), "--directory", str(ROOT), "--dry-run", "--always-make", "--debug=basic"]
    own = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}  # `make test` has set it
    command = [*make, "setup", f"GPU={gpu}"]
    shown = subprocess.run(command, env=own, capture_output=True, text=True, check=True, timeout=60).stdout
    assert f"'{stamp}'" in shown
    assert ("-gpu" in shown) == ("-gpu" in stamp)


def test_set_up_ends_where_asktell_itself_cannot_be_installed(tmp_path: Path) -> None:
    done, _ = set_up(tmp_path, "--editable", "no matching distribution")
    assert done.returncode == 1
    assert "no matching distribution" in done.stderr
    assert "setup: failed" in done.stderr
    assert stamps(tmp_path) == set()
