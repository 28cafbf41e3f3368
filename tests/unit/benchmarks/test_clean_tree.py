"""No report from a tree that is no commit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click
import pytest

from benchmarks import clean_tree


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit."""
    (tmp_path / "docs").mkdir()
    for name in ("engine.py", "docs/page.md"):
        (tmp_path / name).write_text("one\n")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "--quiet"], ["add", "."], [*identity, "commit", "--quiet", "-m", "one"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


def test_a_commit_is_reported_with_what_the_benchmarks_write_themselves(repository: Path) -> None:
    (repository / "docs" / "page.md").write_text("two\n")
    (repository / "benchmarks" / "results").mkdir(parents=True)
    (repository / "benchmarks" / "results" / "rows.jsonl").write_text("{}\n")
    clean_tree.require(dirty_is_fine=False, root=repository)


@pytest.mark.parametrize("name", ["engine.py", "new.py"])
def test_a_changed_or_new_file_is_refused_by_name_unless_that_is_allowed(repository: Path, name: str) -> None:
    (repository / name).write_text("two\n")
    with pytest.raises(click.ClickException, match=rf"{name} changed. Commit first, or give --allow-dirty"):
        clean_tree.require(dirty_is_fine=False, root=repository)
    clean_tree.require(dirty_is_fine=True, root=repository)


def test_without_git_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    clean_tree.require(dirty_is_fine=False, root=tmp_path / "nowhere")
