"""A report names the commit that it measured, so it is printed only where the files are those of that commit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
OUTPUTS = ("benchmarks/results", "docs")
"""What the benchmarks themselves write: it may differ."""

allow_dirty = click.option(
    "--allow-dirty",
    is_flag=True,
    help="Report although files differ from the commit that the report names: for trying things out, not for the docs.",
)


def changed_files(root: Path = ROOT) -> list[str]:
    """Files that differ from the commit or that git does not know, `OUTPUTS` left out; none where there is no git."""
    command = ["git", "status", "--porcelain", "--", ".", *(f":!{path}" for path in OUTPUTS)]
    try:
        shown = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    return [line[3:] for line in shown.splitlines()]


def require(*, dirty_is_fine: bool, root: Path = ROOT) -> None:
    """Refuses a report from a tree that is no commit.

    Raises:
        click.ClickException: files differ from the commit, and nobody has allowed that.
    """
    changed = [] if dirty_is_fine else changed_files(root)
    if changed:
        shown = ", ".join(changed[:5]) + (f" and {len(changed) - 5} more" if len(changed) > 5 else "")
        raise click.ClickException(
            f"the report would name a commit that this is not: {shown} changed. Commit first, or give --allow-dirty"
        )
