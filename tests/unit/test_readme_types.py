"""The Python programs of the READMEs pass a strict type check, as a user's editor runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.readme import blocks

ROOT = Path(__file__).resolve().parents[2]
TRAINING = """
def train(lr: float, rank: int) -> float: return lr * rank
def train_an_epoch(lr: float, rank: int) -> float: return lr * rank
"""
"""What the programs leave to their reader."""


@pytest.mark.slow
def test_the_programs_of_the_readmes_are_typed(tmp_path: Path) -> None:
    programs = []
    for readme in ("README.md", "clients/python/README.md"):
        for index, block in enumerate(blocks(ROOT / readme, "python")):
            programs.append(tmp_path / f"{readme.replace('/', '_').replace('.', '_')}_{index}.py")
            programs[-1].write_text(f"import asktell\n{TRAINING}\n{block}", encoding="utf-8")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent", *map(str, programs)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"MYPYPATH": str(ROOT / "clients/python"), "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache/readme")},
        timeout=110,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
