"""scripts/setup.sh: set-up without CUDA where that works, and pip's ordinary way where it does not.

The script runs on a Python that only writes down what it was told; tests/integration/test_wheels.py installs.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/setup.sh"
PYTHON = """#!/bin/sh
echo "$*" >> told.txt
case "$*" in
  *{fails}*) echo "{words}"; exit 1 ;;
  *--undo*) touch undone ;;
esac
"""


def set_up(directory: Path, fails: str, words: str = "a reason") -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Runs set-up where a command of Python that matches `fails` fails, with these words."""
    (directory / "scripts").mkdir()
    (directory / ".venv/bin").mkdir(parents=True)
    shutil.copy(SCRIPT, directory / "scripts")
    python = directory / ".venv/bin/python"
    python.write_text(PYTHON.format(fails=fails, words=words))
    python.chmod(0o755)
    done = subprocess.run(
        [directory / "scripts/setup.sh", "sh"], capture_output=True, text=True, check=False, timeout=60
    )
    return done, (directory / "told.txt").read_text().splitlines()


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
    assert (tmp_path / ".venv/.stamp").exists()


def test_set_up_leaves_out_cuda(tmp_path: Path) -> None:
    done, told = set_up(tmp_path, "no-such-command")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "going on with CUDA" not in done.stdout
    assert sum("without_cuda.py --constraint" in line for line in told) == 1
    assert sum("--editable" in line for line in told) == 1


def test_set_up_ends_where_asktell_itself_cannot_be_installed(tmp_path: Path) -> None:
    done, _ = set_up(tmp_path, "--editable", "no matching distribution")
    assert done.returncode == 1
    assert "no matching distribution" in done.stderr
    assert "setup: failed" in done.stderr
    assert not (tmp_path / ".venv/.stamp").exists()
